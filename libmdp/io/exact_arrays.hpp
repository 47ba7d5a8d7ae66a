// libmdp/io/exact_arrays.hpp — policies and values from files, as written. Internal: needs GMP, is not installed.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <gmpxx.h>

#include "libmdp/io/extended.hpp"
#include "libmdp/types.hpp"

namespace mdp::io {

/// [n_rows] probabilities of a policy file (see read_policy()) as written, divided by their exact sum in each state.
/// \param state_rows  [n_states+1]. \throws InputError.
[[nodiscard]] std::vector<mpq_class> read_exact_policy(const std::string& path, std::span<const Offset> state_rows);

/// The same for each stage of results of `finite` (see read_policy_by_stage()); empty where there are none.
[[nodiscard]] std::vector<std::vector<mpq_class>> read_exact_policy_by_stage(const std::string& path,
                                                                             std::span<const Offset> state_rows);

/// As read_values(), JSON numbers as written. \throws InputError.
[[nodiscard]] std::vector<Extended> read_exact_values(const std::string& path, std::int64_t n);

}  // namespace mdp::io
