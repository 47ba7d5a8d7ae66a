// estimators/moments.hpp — exact mean and covariance of the score-function gradient (theory.md, X2). No sampling.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::estimators {

/// A direction u in the space of logits, by its nonzero entries: the estimator u^T Gamma of the derivative along u.
struct LogitDirection {
  std::vector<Offset> row;     ///< distinct rows
  std::vector<double> weight;  ///< as long, finite
};

/// The coordinate directions of these rows: one estimated partial derivative each.
[[nodiscard]] std::vector<LogitDirection> logit_axes(std::span<const Offset> rows);

struct MomentsOptions {
  std::int64_t horizon = 1000;        ///< N, as in the simulation; >= 1
  std::vector<double> baseline = {};  ///< [n_states] b, or empty = 0
  bool covariance = false;            ///< all covariances, not the variances alone
  int threads = 0;                    ///< 0 = all; no result depends on it

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// Moments of one trajectory's return G = sum_{k<N} gamma^k L_k and estimates u_i^T Gamma. Those of the mean of n
/// trajectories: the same mean, (co)variance / n.
struct GradientMoments {
  std::int64_t horizon = 0;
  double return_mean = 0.0;  ///< J_N
  double return_variance = 0.0;
  std::vector<double> mean;                    ///< [m] u_i^T grad J_N
  std::vector<double> variance;                ///< [m]
  std::vector<double> covariance_with_return;  ///< [m] of u_i^T Gamma and G
  std::vector<double> covariance;              ///< [m * m] row by row, or empty
};

/// X2, finite horizon: Gamma_t = sigma_t (G_t - b(s_t)) + gamma Gamma_{t+1}, G_t = L_t + gamma G_{t+1}, both 0 at t = N. With q = L +
/// gamma P m1, q2 = L^2 + 2 gamma L P m1 + gamma^2 P m2, averages <.> over pi(.|s) and right-hand sides at t+1:
///     m1 = <q>,  m2 = <q2>,  g = <sigma (q - b) + gamma P g>,
///     c = <sigma (q2 - b q) + gamma L P g + gamma^2 P c>,
///     C = <sigma sigma^T (q2 - 2 b q + b^2) + X + X^T + gamma^2 P C>,  X = gamma sigma ((L - b) P g + gamma P c)^T,
/// the means of G, G^2, Gamma, G Gamma, Gamma Gamma^T from a state. Exact but for rounding.
///
/// Time O(N n_transitions) per direction (3 doubles gathered per transition), or per pair of directions with
/// `covariance`; memory O(n_states) per direction of a group of 8, or per pair. Parallel over groups or states.
/// An infinite horizon is the limit; truncation.hpp bounds what is left out of the mean.
/// \throws InvalidArgument as score_gradient(), or if a direction names a row that does not exist; InvalidOption.
[[nodiscard]] GradientMoments score_gradient_moments(const Mdp& mdp, std::span<const double> stochastic_policy,
                                                     std::span<const LogitDirection> directions,
                                                     const MomentsOptions& options = {});

}  // namespace mdp::estimators
