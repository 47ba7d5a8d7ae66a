// solvers/reach.hpp — the best probability of reaching the goal.
#pragma once

#include <span>

#include "solvers/criterion.hpp"

namespace mdp::solvers {

/// Probability of reaching a goal state: the least in a minimising MDP, the greatest in a maximising one; 1 in goal states,
/// 0 everywhere without goal states. Costs are not read, infinite ones neither. The answer is in cost sense (minus the
/// probability when maximising): in_sense() gives the probability.
///
/// States of probability 0 and 1 are found on the graph (Baier and Katoen 2008, section 10.6). When maximising, end components
/// of the states between are collapsed (theory.md C5); when minimising there are none, since a policy could stay in them. So
/// every policy leaves what is left, and solve_absorbing() encloses the values: to about 1e-20 of themselves, however rare.
/// \throws InvalidOption.
/// \param given  [n_states] values to be enclosed as they are, finite, instead of solving; empty = solve
[[nodiscard]] CriterionResult solve_reach(const Mdp& mdp, const CriterionOptions& options = {},
                                          std::span<const double> given = {});

}  // namespace mdp::solvers
