// solvers/bias.hpp — gain and bias of one policy, multichain (internal).
#pragma once

#include <span>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"

namespace mdp::solvers {

/// \param closed  [n_states] states that the policy does not leave; NaN elsewhere
/// Recurrent classes one by one: relative values of evaluate_gain() less their stationary mean (itself the gain of the chain
/// that pays them); transient states by the gains and biases where they end. Twice the precision, rounded to double at the end.
[[nodiscard]] std::vector<double> bias_of(const Mdp& mdp, std::span<const char> closed, const Policy& policy);

}  // namespace mdp::solvers
