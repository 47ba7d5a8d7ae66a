// cli/criterion_result.hpp — the answer of solve and evaluate, as keys and as tables.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cli/program.hpp"
#include "cli/result.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/criterion.hpp"
#include "solvers/exact/exact.hpp"

namespace mdp::cli {

/// The keys of docs/program.md in the sense of the file. \param policy  set by the caller's `set_policy`, between
/// the values and q, where the contract has it
[[nodiscard]] Result to_result(const Mdp& mdp, const solvers::CriterionResult& solved,
                               const std::function<void(Result&)>& set_policy, int threads);

/// Per state, the positions of its actions whose rows are marked. \param optimal  [n_rows]
[[nodiscard]] std::vector<std::vector<std::int64_t>> optimal_actions(const Mdp& mdp, std::span<const char> optimal);

/// value_exact, gain_exact, bias_exact, value_by_stage_exact, and `optimal_actions`, which attain V* exactly. Nothing unless the answer is exact.
void add_exact(Result& result, const Mdp& mdp, const solvers::ExactResult& solved);

/// Status, level, method, bounds, and the first states.
/// \param policy  deterministic, shown beside the values; or empty
[[nodiscard]] std::string criterion_tables(const Mdp& mdp, const solvers::CriterionResult& solved,
                                           std::span<const Action> policy);

/// Presents an answer with the reason why the certificate that was asked for is missing, "" if it is not. Returns the exit code.
[[nodiscard]] int present_answer(const CommonFlags& flags, Result& result, const std::string& no_certificate,
                                 const Mdp& mdp, const solvers::CriterionResult& solved,
                                 std::span<const Action> policy);

}  // namespace mdp::cli
