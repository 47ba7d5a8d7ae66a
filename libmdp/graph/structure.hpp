// libmdp/graph/structure.hpp — recurrent classes and periods of a policy; which policies an MDP has (Puterman 1994, chapter 8).
#pragma once

#include <span>
#include <vector>

#include "libmdp/graph/components.hpp"
#include "libmdp/graph/reachability.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::graph {

/// The chain of a policy, by its graph.
struct ChainStructure {
  Components recurrent;       ///< [n_states] recurrent class, or -1 = transient
  std::vector<State> period;  ///< [recurrent.count] greatest common divisor of the lengths of its cycles
};

/// \param taken  [n_rows] rows that the policy takes with positive probability, one or more in each state
/// Classes that no taken row leaves; periods from the levels of a breadth-first search. O(n_transitions), no recursion.
/// Source: Denardo, "Periods of connected networks and powers of nonnegative matrices" (1977).
[[nodiscard]] ChainStructure chain_structure(const Mdp& mdp, std::span<const char> taken);

/// The rows of a deterministic policy.
[[nodiscard]] RowMask rows_taken(const Mdp& mdp, std::span<const Action> policy);

/// [components.count] greatest common divisor of the lengths of all cycles of usable rows within each component: the period of
/// every policy whose recurrent classes lie there is a multiple of it. O(n_transitions).
[[nodiscard]] std::vector<State> periods(const Mdp& mdp, const Components& components, std::span<const char> usable);

enum class Answer { no, yes, unknown };

/// Which recurrent classes policies of an MDP can have.
struct ClassStructure {
  bool communicating = false;  ///< every state can be reached from every other
  bool weakly_communicating =
      false;  ///< one end component can be reached from within; all else is transient under every policy
  Answer unichain = Answer::unknown;  ///< every policy has one recurrent class only
};

/// Communicating: one strongly connected component. Weakly communicating: one maximal end component (no row leaves
/// it: with what it leads to and back it would be a larger one).
/// Unichain: to decide it is NP-hard in general (Tsitsiklis 2007), so a few tries only. No: two disjoint end components. Yes: a
/// state that is in all end components, since the rows that avoid it make none.
/// \param usable  [n_rows], or empty = admissible_rows(). O(tries * cost of maximal_end_components())
[[nodiscard]] ClassStructure class_structure(const Mdp& mdp, std::span<const char> usable = {});

/// From where the goal states are reached under every policy of usable rows, as GoalReachability: `possible` is not avoided
/// surely by any policy. The complement of goal_reachability().possible never reaches them under any policy; that of
/// `possible` here under some. O(n_transitions).
[[nodiscard]] GoalReachability goal_reachability_always(const Mdp& mdp, std::span<const char> usable = {});

}  // namespace mdp::graph
