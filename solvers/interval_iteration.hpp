// solvers/interval_iteration.hpp — least cost until the goal from both sides (internal).
#pragma once

#include "solvers/goal_iteration.hpp"

namespace mdp::solvers {

enum class IntervalMethod {
  interval,    ///< lower and upper values side by side
  optimistic,  ///< lower values; upper ones guessed near them and verified
  elimination  ///< as interval, without the rows that are proved not optimal
};

/// Every sweep leaves proved bounds (kernels::interval_sweep()), so a run that is stopped has both sides.
///
/// The first upper values are those that enclose_until_goal() proves for the policy of the approach; the first lower ones 0 where
/// no cost is below 0, else those that it proves around the values of a few steps of modified policy iteration.
/// - interval: Haddad and Monmege (2018); Baier, Klein, Leuschner, Parker and Wunderlich (2017).
/// - optimistic: where the lower values have nearly settled, u = lower + what is asked is tried: if a sweep lowers u everywhere
///   (u >= T u), it is an upper bound; if one raises it somewhere, lower sweeps go on to a smaller change (Hartmanns and
///   Kaminski 2020).
/// - elimination: rows with q(lower) > upper are not looked at again (MacQueen 1967; theory.md C4).
/// At the end the greedy policy of the upper values is proved to be as good as they are, by enclose_until_goal().
[[nodiscard]] AbsorbingAnswer interval_iteration(const GoalProblem& problem, IntervalMethod method, Run& run);

}  // namespace mdp::solvers
