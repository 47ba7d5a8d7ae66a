// solvers/goal_enclosure.hpp — what any values prove about the least cost until the goal (internal).
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "libmdp/kernels/ordered_chain.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/two_double.hpp"
#include "solvers/enclosure.hpp"

namespace mdp::solvers {

/// v - below <= V* and V^policy <= v + above; empty where it could not be proved.
struct GoalEnclosure {
  std::vector<double> below;  ///< [n_states] >= 0
  std::vector<double> above;  ///< [n_states] >= 0
};

/// Both sides around any v, from one evaluation of the gaps  g = c + P v - v(s)  of all rows in twice the precision, and
/// of the drifts  d = w(s) - P w  of a w >= 0, both with bounds on their errors.
///
/// - above: where  eps d >= g  and  d > 0  on the policy's rows, T_pi (v + eps w) <= v + eps w. Since d > 0, w falls on
///   average along the policy until the goal, so the policy reaches it surely and V^pi <= v + eps w (iterate).
/// - below: where  g + eps d >= 0  on every row, v - eps w <= T (v - eps w), hence v - eps w <= V^pi for every pi that reaches
///   the goal surely (iterate), and below their infimum V*.
///
/// With costs above 0 and v >= 0, w = v does: d = c - g, and eps = max |g| / (c - g) is the relative error (the usual
/// scaling of a sub- and supersolution). Otherwise w is the expected time to the goal: of the policy above; below of the rows
/// that take longest among those whose gap cannot outweigh it, found by policy iteration. This is theory.md C5 without
/// end components, which are collapsed before.
///
/// \param mdp     discount 1; states that are not goals have a value, and policies that never reach a goal pay
///                more than any number, or there are none
/// \param v       [n_states], 0 at goals
/// \param policy  [n_states]
/// \param chain   on all states but the goals; its policy is changed
/// \param keep_going  asked often; false: what is not proved yet is left open. Empty = always
/// \param max_factor_bytes  for times by elimination, where the chain is narrow (DirectChain)
[[nodiscard]] GoalEnclosure enclose_until_goal(const Mdp& mdp, std::span<const TwoDouble> v,
                                               std::span<const Action> policy, kernels::OrderedChain& chain,
                                               const EntryUncertainty& uncertainty, int threads,
                                               const std::function<bool()>& keep_going, double max_factor_bytes = 0.0);

}  // namespace mdp::solvers
