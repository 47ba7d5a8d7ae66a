// libmdp/generate/limits.hpp — what generators refuse before any memory is asked for.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "libmdp/types.hpp"

namespace mdp::generate {

/// Most states of a model: positions fit a State with one to spare.
inline constexpr std::int64_t max_n_states = std::numeric_limits<State>::max() - 1;
/// Largest amount of a cost parameter: sums of products stay finite.
inline constexpr double max_amount = 1e100;

/// "" or "what = n, required 1 to most".
[[nodiscard]] std::string check_count(const std::string& what, std::int64_t n, std::int64_t most);
/// "" or "what = x, required 0 to most"; NaN is refused.
[[nodiscard]] std::string check_amount(const std::string& what, double x, double most);
/// base^exponent, or -1 where it exceeds `most`. Needs base >= 1.
[[nodiscard]] std::int64_t bounded_power(std::int64_t base, std::int64_t exponent, std::int64_t most);

}  // namespace mdp::generate
