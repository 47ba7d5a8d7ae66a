// estimators/methods/self_normalised.hpp — importance weighting divided by the weights' own sum.
#pragma once

#include <memory>

#include "estimators/estimator.hpp"

namespace mdp::estimators {

/// sum_i W_i Gamma_i / sum_i W_i over the n trajectories of an estimate. A ratio: with Y = W Gamma, E W = 1, E Y = y,
///     E = y - (Cov(Y, W) - y Var W) / n + O(1/n^2),   Var = Var(Y - y W) / n + O(1/n^2),
/// the delta method; Var W, Cov(Y, W), Var Y from X2.
[[nodiscard]] std::unique_ptr<Statistic> self_normalised_statistic(const Problem& problem, const Targets& targets);

}  // namespace mdp::estimators
