// solvers/total.hpp — the undiscounted sum for ever: a policy may loop, -inf and +inf are answers.
#pragma once

#include <span>

#include "solvers/criterion.hpp"

namespace mdp::solvers {

/// V*(s) = inf over policies of E[sum of positive costs] - E[sum of negative costs' sizes] (Puterman 1994, section 7.1). The
/// discount is not read; goal states are states like others.
///
/// Decided on the graph, by the end components of the admissible rows (a policy can pay every row of one for ever):
/// - a state from which one with a cost > 0 and one with a cost < 0 can be reached, not always the same: undefined, since a
///   policy (randomised if need be) gets infinity minus infinity. Status undefined, a witness, value NaN there;
/// - a state from which one with a cost < 0 can be reached: -inf;
/// - of the others, those that reach an end component of cost-free rows with probability 1 under some policy have a finite
///   value, the rest +inf, as one that has no admissible policy.
/// The cost-free end components are collapsed, with an exit (staying for ever); solve_absorbing() encloses the finite values.
/// \throws InvalidOption.
/// \param given  [n_states] values to be enclosed as they are, finite, instead of solving; empty = solve
[[nodiscard]] CriterionResult solve_total(const Mdp& mdp, const CriterionOptions& options = {},
                                          std::span<const double> given = {});

}  // namespace mdp::solvers
