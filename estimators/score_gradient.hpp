// estimators/score_gradient.hpp — the policy gradient from sampled trajectories (theory.md, E1).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "estimators/simulator.hpp"

namespace mdp::estimators {

/// Sample mean and spread of the estimator, for every logit. Rows of states that no trajectory met have mean and
/// deviation 0. Cost sense.
struct ScoreGradient {
  std::int64_t n_trajectories = 0;
  std::int64_t horizon = 0;
  std::vector<double> mean;                ///< [n_rows] estimate of dJ_N / d logit
  std::vector<double> standard_deviation;  ///< [n_rows] of one trajectory's value; NaN for a single trajectory
  std::vector<double> standard_error;      ///< [n_rows] standard_deviation / sqrt(n_trajectories)
  std::vector<std::int64_t> n_visiting;    ///< [n_states] trajectories that chose an action there before their end
  double return_mean = not_computed;       ///< estimate of J_N
  double return_standard_deviation = not_computed;
  double return_standard_error = not_computed;
  double return_truncation_bound = not_computed;    ///< |J - J_N|, see truncation.hpp
  double gradient_truncation_bound = not_computed;  ///< |dJ - dJ_N|, each logit
  double seconds = not_computed;
};

/// E1, causal: the mean over trajectories of
///     Gamma = sum_{k<N} gamma^k L_k sum_{t<=k} sigma_t  =  sum_{t<N} gamma^t sigma_t (G_t - b(s_t)),
/// sigma_t = d log pi(a_t|s_t) = e(s_t,a_t) - pi(.|s_t) on the logits of state s_t, G_t = L_t + gamma G_{t+1}, G_N = 0. Its
/// expectation is the gradient of J_N = E sum_{k<N} gamma^k L_k with respect to the logits of a tabular softmax policy,
/// for any baseline b. Exact moments: moments.hpp.
///
/// \param stochastic_policy  [n_rows], pi; logits enter through it only
/// \param baseline  [n_states] b, or empty = 0
/// Trajectories end early in final states (see Simulator) with b = 0: what would follow adds 0 to Gamma.
/// Same bits for any number of threads: blocks of 256 trajectories are merged in order.
/// Time O(n_trajectories * horizon); memory O(n_rows + n_states * threads) and, per block, the rows met.
/// \throws InvalidArgument if the policy or the length of the baseline is wrong, or if a reachable row with positive
///         probability has cost +inf; InvalidOption.
[[nodiscard]] ScoreGradient score_gradient(const Mdp& mdp, std::span<const double> stochastic_policy,
                                           const SimulationOptions& options = {},
                                           std::span<const double> baseline = {});

}  // namespace mdp::estimators
