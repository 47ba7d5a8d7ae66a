// estimators/running_moments.hpp — mean and variance of a sample, without cancellation.
#pragma once

#include <cmath>
#include <cstdint>

#include "libmdp/types.hpp"

namespace mdp::estimators {

/// Count, mean and sum of squared deviations. Merging is exact algebra: the same blocks merged in the same order give
/// the same bits.  Source: Welford (1962); Chan, Golub, LeVeque (1983).
struct RunningMoments {
  std::int64_t n = 0;
  double mean = 0.0;
  double squared_deviations = 0.0;

  void add(double x) {
    ++n;
    const double deviation = x - mean;
    mean += deviation / static_cast<double>(n);
    squared_deviations += deviation * (x - mean);
  }
  void merge(const RunningMoments& other) {
    if (other.n == 0) return;
    const double difference = other.mean - mean;
    const double share = static_cast<double>(other.n) / static_cast<double>(n + other.n);
    squared_deviations += other.squared_deviations + difference * difference * static_cast<double>(n) * share;
    mean += difference * share;
    n += other.n;
  }
  /// Adds observations of 0 until there are `total`.
  void add_zeros(std::int64_t total) { merge({total - n, 0.0, 0.0}); }

  /// Sample standard deviation; NaN for fewer than two observations.
  [[nodiscard]] double standard_deviation() const {
    return n < 2 ? not_computed : std::sqrt(squared_deviations / static_cast<double>(n - 1));
  }
  [[nodiscard]] double standard_error() const { return standard_deviation() / std::sqrt(static_cast<double>(n)); }
};

}  // namespace mdp::estimators
