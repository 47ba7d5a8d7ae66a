// solvers/collapsed.hpp — from an MDP to the least cost until exit of its parts, and back (internal).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "libmdp/graph/closure.hpp"
#include "libmdp/graph/reduce.hpp"
#include "solvers/absorbing.hpp"
#include "solvers/criterion.hpp"

namespace mdp::solvers {

/// Which states are left to solve, and which of them count as one.
struct Collapse {
  graph::StateSet open;                   ///< [n_states] 1 = to be solved
  graph::RowMask usable;                  ///< [n_rows] rows that may be taken in open states
  graph::Components component = {};       ///< of open states, -1 = a state of its own; count 0: nothing is collapsed
  graph::RowMask inside = {};             ///< [n_rows] rows that make the components: their states move by these
  std::vector<char> may_stay = {};        ///< [components] 1 = staying in it for ever is allowed; empty = nowhere
  std::vector<TwoDouble> stay_cost = {};  ///< [components] what it costs then; empty = 0
  std::span<const TwoDouble> cost = {};   ///< [n_rows] or empty, as graph::Reduction
  double entry_error = 0.0, cost_error = 0.0;  ///< as graph::Reduction
  Accuracy accuracy = {};                      ///< of the half-width of the enclosure
  /// [n_states] values to enclose as they are (enclose_reduced()) instead of solving; empty = solve. A component counts
  /// with the least of its states.
  std::span<const double> given = {};
};

/// [n_states] reduced state of each open state, or -1, numbered in order of first appearance; components come as one.
struct Numbering {
  std::vector<State> state_of;
  State count = 0;
};
[[nodiscard]] Numbering number(const Mdp& mdp, const Collapse& collapse);

/// Bounds and an optimal policy of the open states.
struct CollapsedAnswer {
  AbsorbingEnd end = AbsorbingEnd::failed;
  std::vector<TwoDouble> value;      ///< [n_states] 0 where not open
  std::vector<double> below, above;  ///< [n_states] as in AbsorbingAnswer
  std::vector<char> leaves;          ///< [components] 0 = the policy stays for ever
  std::string method, why;           ///< as MethodAnswer; empty where nothing was left to solve
};

/// Solves for the open states and writes their actions: in a component, the chosen row leaves it from one of its states,
/// and the others move there by rows that stay inside; where it is left never, rows that stay inside are taken.
/// \param policy  [n_states], written at open states
[[nodiscard]] CollapsedAnswer solve_collapsed(const Mdp& mdp, const graph::PredecessorsWhenNeeded& into,
                                              const Collapse& collapse, Run& run, Policy& policy);

/// Rows of `usable` whose successors lie in the component of their state.
[[nodiscard]] graph::RowMask rows_inside(const Mdp& mdp, const graph::Components& component,
                                         std::span<const char> usable);

/// Rows of `usable` of the states of the set, with all successors in it.
[[nodiscard]] graph::RowMask rows_inside(const Mdp& mdp, const graph::StateSet& set, std::span<const char> usable);

/// Usable rows of the states of `set` only.
[[nodiscard]] graph::RowMask rows_of(const Mdp& mdp, std::span<const char> set, std::span<const char> usable);

/// Writes the action of row[s] where it is one, >= 0.
void take_rows(const Mdp& mdp, std::span<const Offset> row, Policy& policy);

/// Writes, in each state of the set, the lowest usable row.
void take_lowest_rows(const Mdp& mdp, std::span<const char> set, std::span<const char> usable, Policy& policy);

}  // namespace mdp::solvers
