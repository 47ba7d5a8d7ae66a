// solvers/infinite_values.hpp — where the graph says that undiscounted values are not finite, and which states that
// leaves to solve, for doubles and rationals alike (internal).
#pragma once

#include <string>
#include <vector>

#include "solvers/collapsed.hpp"
#include "solvers/end_components.hpp"

namespace mdp::solvers {

/// The goal may be missed at will, and missing it pays infinitely: a maximising file under `--improper infinite`.
struct MissedGoal {
  graph::StateSet avoid;     ///< states that can keep from the goal for ever
  graph::StateSet may_miss;  ///< states that reach them with positive probability: payoff +inf in the file's sense
  Collapse rest;             ///< open and usable: the states of finite value
};
/// Writes, besides, the actions by which the states of `may_miss` miss it.
[[nodiscard]] MissedGoal miss_goal(const Mdp& mdp, const graph::PredecessorsWhenNeeded& into,
                                   const graph::StateSet& goal, const Live& live, Policy& policy);

/// Total cost among the states of `no_gain`, which can pay no cost < 0 for ever: end components of free rows, in which
/// staying is allowed, and the states that come to stay there almost surely.
[[nodiscard]] Collapse until_free(const Mdp& mdp, const graph::PredecessorsWhenNeeded& into,
                                  const graph::StateSet& no_gain, const Live& live);

/// Why total cost has no value in the states of `undefined`, which is not empty, told of the first: from there on a cost
/// > 0 can be paid for ever (in `pays`) and a cost < 0, too (in `gains`).
struct UndefinedTotal {
  std::vector<State> witness;  ///< a path to `pays`, then one to `gains`
  std::string message;
};
[[nodiscard]] UndefinedTotal undefined_total(const Mdp& mdp, const graph::StateSet& undefined,
                                             const graph::StateSet& pays, const graph::StateSet& gains,
                                             const graph::RowMask& rows);

}  // namespace mdp::solvers
