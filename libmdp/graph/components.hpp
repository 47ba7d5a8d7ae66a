// libmdp/graph/components.hpp — strongly connected components and maximal end components.
#pragma once

#include <span>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::graph {

/// [n_rows] 1 = the row may be used. Rows of infinite cost are inadmissible and never are.
using RowMask = std::vector<char>;

/// Every row of finite cost.
[[nodiscard]] RowMask admissible_rows(const Mdp& mdp);

/// A partition of (some of) the states.
struct Components {
  std::vector<State> of_state;  ///< [n_states] component, or -1 = in none
  State count = 0;
};

/// Bans the usable rows with a successor outside their state's component; says whether there were any. -1 counts as
/// one component. O(n_transitions).
bool ban_leaving_rows(const Mdp& mdp, const Components& components, RowMask& usable);

/// Strongly connected components of the graph with an edge s -> s' for each transition of a usable row.
/// Numbered in reverse topological order: edges between components lead to lower numbers.
/// \param usable  [n_rows], or empty = admissible_rows()
/// Cost O(n_states + n_transitions), no recursion. Source: Tarjan (1972), by Boost.Graph.
[[nodiscard]] Components strongly_connected_components(const Mdp& mdp, std::span<const char> usable = {});

/// Maximal end components: the largest sets of states with rows that stay inside and connect them.
/// A state in none of them (under every policy left for ever) has -1. Rows that belong to an end component
/// are those of its states with all successors inside.
/// Cost O(rounds * n_transitions); a round splits every component that is not closed and then takes out, in one worklist,
/// whatever must leave it: rounds are few in practice (the depth to which components split within components), at most
/// n_states. Source: de Alfaro, Formal Verification of Probabilistic Systems (1997), section 3.3; Chatterjee and Henzinger (2014).
[[nodiscard]] Components maximal_end_components(const Mdp& mdp, std::span<const char> usable = {});

}  // namespace mdp::graph
