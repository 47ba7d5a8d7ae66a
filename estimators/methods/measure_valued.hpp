// estimators/methods/measure_valued.hpp — derivatives of the distributions themselves, by branches (weak derivatives).
#pragma once

#include <memory>

#include "estimators/estimator.hpp"

namespace mdp::estimators {

/// d pi(.|s)/d logit b = pi_b (delta_b - pi): at every step a branch is drawn from every action (every successor, for
/// transition logits), and a trajectory's estimate is
///     sum_t gamma^t [dL_t + pi_b(s_t) (G^b - sum_a pi_a G^a) + gamma p_b (G^b - sum_s' p G^s')],
/// G^a the returns of the branches, independent given the trajectory. No score, no likelihood ratio; many transitions.
/// Exact variance: that of the conditional mean of the branches (a backward recursion) plus the expected variance of the
/// branches, sum_t gamma^2t d_t(s) pi_b^2 [(1 - pi_b)^2 Var G^b + sum_{a != b} pi_a^2 Var G^a], and the like for successors.
/// Source: Pflug (1989); Heidergott, Vázquez-Abad (2008).
[[nodiscard]] std::unique_ptr<Statistic> measure_valued_statistic(const Problem& problem, const Targets& targets);

}  // namespace mdp::estimators
