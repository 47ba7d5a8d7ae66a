// solvers/goal.hpp — least cost until a goal state: stochastic shortest paths.
#pragma once

#include <span>

#include "solvers/criterion.hpp"

namespace mdp::solvers {

/// The undiscounted sum of costs until a goal state is reached (Bertsekas and Tsitsiklis 1991). The discount is not read.
///
/// Policies that miss the goal with positive probability: Improper::excluded does not let them compete, and the value is +inf
/// (minimised sense) where no policy reaches the goal with probability 1. Improper::infinite gives them +inf in the sense of
/// the file: in a minimising file that is the same; in a maximising one the value is -inf here wherever some policy may miss.
///
/// Values -inf and +inf are decided on the graph: sets of probability 0 and 1, and end components by the signs of their costs.
/// An end component with costs < 0 and none > 0 makes -inf from wherever it is reached. One with both signs is decided by the
/// certified interval of its least average cost; if that contains 0, its potential h (L = h - Ph on the rows that attain 0)
/// is taken out of the costs, which must then vanish exactly: else Status::precision_limit says what could not be decided.
/// Cost-free end components are collapsed, and solve_absorbing() encloses the values from both sides (C5).
/// \throws InvalidOption.
/// \param given  [n_states] values to be enclosed as they are, finite, instead of solving; empty = solve
[[nodiscard]] CriterionResult solve_goal(const Mdp& mdp, const CriterionOptions& options = {},
                                         std::span<const double> given = {});

}  // namespace mdp::solvers
