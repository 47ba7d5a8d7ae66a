// estimators/methods/finite_difference.hpp — central differences with common random numbers.
#pragma once

#include <memory>

#include "estimators/estimator.hpp"

namespace mdp::estimators {

/// (G(theta + h e_i; omega) - G(theta - h e_i; omega)) / 2h for every parameter, h = ProblemOptions::difference_step, omega
/// the uniform numbers of one trajectory: two per step, actions and successors by inversion. Its mean is the derivative
/// of J_N averaged over theta_i - h … theta_i + h (smoothed), so biased by O(h^2); exact for costs.
///
/// Exact mean: J_N of the two neighbours. Exact variance: second moments of the difference on pairs of states, the two
/// copies driven by the same numbers; O(n_states^2) per stage, left out beyond 400 states.
[[nodiscard]] std::unique_ptr<Statistic> finite_difference_statistic(const Problem& problem, const Targets& targets);

}  // namespace mdp::estimators
