// estimators/methods/dice.hpp — DiCE: the causal Hessian by differentiating its objective forward along the trajectory.
#pragma once

#include <memory>

#include "estimators/estimator.hpp"

namespace mdp::estimators {

/// d2/didj sum_k gamma^k M_k L_k with the magic box M_k = exp(tau_k - stop(tau_k)), tau_k = sum of the log-probabilities up
/// to step k: second-order Taylor numbers, step by step. The same number as CausalHessian on every trajectory, so its
/// moments are those. Source: Foerster et al. (2018).
[[nodiscard]] std::unique_ptr<Statistic> dice_statistic(const Problem& problem, const Targets& targets);

}  // namespace mdp::estimators
