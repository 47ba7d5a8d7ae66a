// estimators/enumeration.hpp — the moments of any estimator by listing all trajectories (theory.md, X1).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::estimators {

/// One trajectory s_0, a_0, …, s_{N-1}, a_{N-1}.
struct Path {
  std::span<const State> state;  ///< [N]
  std::span<const Offset> row;   ///< [N] the row (s_k, a_k)
  double probability = 0.0;
  std::span<const Offset> entry = {};  ///< [N] the transition of step k; that of the last step is the row's first
};

/// How many trajectories of N steps have positive probability; +inf beyond the range of double. O(N n_transitions).
[[nodiscard]] double count_paths(const Mdp& mdp, std::span<const double> stochastic_policy, std::int64_t horizon);

/// Calls f for every one of them, in lexicographic order.
/// \throws InvalidArgument if the policy is not one of the MDP, the horizon is < 1 or there are more than `max_paths`.
void for_each_path(const Mdp& mdp, std::span<const double> stochastic_policy, std::int64_t horizon,
                   const std::function<void(const Path&)>& f, std::int64_t max_paths = 10'000'000);

/// Mean and covariance of a statistic X of a trajectory, exact but for rounding.
struct EnumeratedMoments {
  std::int64_t n_paths = 0;
  double total_probability = 0.0;  ///< 1 but for rounding
  std::vector<double> mean;        ///< [m] E X
  std::vector<double> covariance;  ///< [m * m] E X X^T - E X E X^T, row by row
};

/// X1. \param dimension  m; \param statistic  writes X(path) to its second argument [m], which holds zeros.
/// Sums are kept in twice the precision. Time: number of paths times (N + m^2).
[[nodiscard]] EnumeratedMoments enumerate_moments(const Mdp& mdp, std::span<const double> stochastic_policy,
                                                  std::int64_t horizon, std::size_t dimension,
                                                  const std::function<void(const Path&, std::span<double>)>& statistic,
                                                  std::int64_t max_paths = 10'000'000);

}  // namespace mdp::estimators
