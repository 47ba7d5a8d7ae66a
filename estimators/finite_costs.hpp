// estimators/finite_costs.hpp — what every estimator needs of a policy.
#pragma once

#include <span>

#include "libmdp/mdp.hpp"

namespace mdp::estimators {

/// \throws InvalidArgument if the policy is not one of the MDP, or if a row that it takes with positive probability, in a
/// state that it reaches from the initial states, has cost +inf: named. O(n_transitions).
void require_finite_return(const Mdp& mdp, std::span<const double> stochastic_policy);

/// \throws InvalidArgument unless the baseline is empty or has n_states finite entries.
void require_valid_baseline(const Mdp& mdp, std::span<const double> baseline);

}  // namespace mdp::estimators
