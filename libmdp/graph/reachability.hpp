// libmdp/graph/reachability.hpp — what can be reached, and where values are finite. Decided by the graph.
#pragma once

#include <span>
#include <vector>

#include "libmdp/graph/components.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::graph {

/// [n_states] 1 = in the set.
using StateSet = std::vector<char>;

[[nodiscard]] State count(std::span<const char> set);

/// States that some path of usable rows reaches from the states of positive initial probability.
[[nodiscard]] StateSet reachable_states(const Mdp& mdp, std::span<const char> usable = {});

/// From where the goal states can be reached by some policy that uses usable rows only:
struct GoalReachability {
  StateSet sure;         ///< on every path, within n_states steps
  StateSet almost_sure;  ///< with probability 1
  StateSet possible;     ///< with positive probability
};

/// \param usable  [n_rows], or empty = admissible_rows()
/// Cost: `sure` and `possible` O(n_transitions); `almost_sure` that times the number of rounds in which states are
/// cut off (few in practice, at most n_states). Source: Baier and Katoen, Principles of Model Checking (2008), section 10.6.
[[nodiscard]] GoalReachability goal_reachability(const Mdp& mdp, std::span<const char> usable = {});

/// {V* < inf} of the discounted criterion with discount > 0: the states from which some policy never meets
/// an inadmissible row (theory.md, C1 and TC). With discount 0: the states with an admissible row.
/// O(n_states) if no cost is infinite, else O(n_transitions).
[[nodiscard]] StateSet finite_value_states(const Mdp& mdp);

}  // namespace mdp::graph
