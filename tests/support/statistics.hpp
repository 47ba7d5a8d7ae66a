#pragma once

#include <cmath>
#include <cstddef>

// Thresholds of statistical tests. Seeds are fixed, so a passing test stays so; the level, about 1e-9, says how
// unlikely it was that a right sampler would have failed for the seed that was chosen.
namespace mdp::tests {

/// Two-sided standard normal quantile of level 2e-9: P(|Z| > normal_threshold) = 2e-9.
inline constexpr double normal_threshold = 5.998;

/// Upper quantile of chi-square with that many degrees of freedom, level 1e-9 (Wilson and Hilferty, 1931).
inline double chi_square_threshold(std::size_t degrees_of_freedom) {
  const double n = static_cast<double>(degrees_of_freedom);
  return n * std::pow(1.0 - 2.0 / (9.0 * n) + normal_threshold * std::sqrt(2.0 / (9.0 * n)), 3.0);
}

}  // namespace mdp::tests
