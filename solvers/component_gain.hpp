// solvers/component_gain.hpp — least long-run cost per stage within an end component (internal).
#pragma once

#include <span>
#include <vector>

#include "libmdp/graph/reduce.hpp"
#include "solvers/rooted_gain.hpp"
#include "solvers/run.hpp"

namespace mdp::solvers {

/// g* of a communicating MDP, enclosed.
struct ComponentGain {
  bool good = false;
  double lower = -infinity;
  double upper = infinity;
  std::vector<TwoDouble> relative_value;  ///< [n_states] h of the last policy
  double gap_error = infinity;            ///< every gap  c - g + Ph - h(s)  for this h is known to this
  std::vector<Offset> rows;               ///< [n_states] policy of gain <= upper, one recurrent class
  State root = 0;                         ///< a state of that class
};

/// Policy iteration over policies of one recurrent class. When an improvement splits off a better class, that becomes the
/// class and all other states move towards it (Puterman 1994, section 9.5): gains fall strictly, so it ends.
/// Bounds (C5), for any h:  min over all rows of (c + P h - h)  <=  g*  <=  max over a policy's rows of the same.
/// Proof: a stationary law x of an optimal (of this) policy has x P = x, so g = x c = x (c + P h - h).
/// \param m  closed and communicating
/// By run.options().method: value-iteration and modified-policy-iteration are relative_value_iteration(), its last policy evaluated once
/// where rounding ends the sweeps; linear-programming: policy iteration from relative_values_by_program(); else policy iteration and, where
/// that does not come as close as asked and states are few, exact_component_gain(). Where elimination would be dear: iterate_gain().
/// \param start  [n_states] relative values to start from, finite, or empty
[[nodiscard]] ComponentGain least_gain(const graph::ReducedMdp& m, const Accuracy& accuracy, Run& run,
                                       std::span<const double> start = {});

/// Whether elimination is the way: few states, or policies whose factors have few entries.
[[nodiscard]] bool elimination_pays(const graph::ReducedMdp& m);

/// The same, always by policy iteration with elimination: bounds to the last of 106 bits, which tell the sign of a gain.
[[nodiscard]] ComponentGain sharpest_gain(const graph::ReducedMdp& m, Run& run);

/// h <- h + (Th - h)/2, less its value at state 0: T' = (T + id)/2 has the relative values of T, half the gain, and no period
/// (Schweitzer 1971; Puterman 1994, sections 8.5.4 and 8.5.5). Bounds as above, from the last h; stops when they are as close as
/// asked, at a limit, or when sweeps no longer bring them closer.
/// \param max_sweeps  beyond the limits of the run
/// \param start       [n_states] h to start from, finite, or empty = 0
/// \param policy_sweeps  steps with the rows of the last sweep's policy after each: modified policy iteration (Puterman 1994, section
///                       8.7). Whatever h they make, the bounds hold.
[[nodiscard]] ComponentGain relative_value_iteration(const graph::ReducedMdp& m, const Accuracy& accuracy,
                                                     std::int64_t max_sweeps, Run& run,
                                                     std::span<const double> start = {}, int policy_sweeps = 0);

/// g* of a communicating MDP, enclosed from given relative values h by one look at every row (C5):
///   min over all rows of (c + P h - h)  <=  g*  <=  max over states of the least such gap of the state.
/// Proof: as least_gain(), with the policy of the least gaps, whatever its classes. rows: that policy; relative_value is empty.
/// A gain is a mean of costs besides, so that the interval is never wider than their range. Where it is not sharp, the greedy
/// policy is evaluated once (as for least_gain()), and the bounds from its own relative values count too.
/// \param h  [n_states] finite; only differences count, so that its middle is taken out first
[[nodiscard]] ComponentGain gain_bounds(const graph::ReducedMdp& m, std::span<const double> h, Run& run);

}  // namespace mdp::solvers
