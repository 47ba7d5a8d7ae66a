// libmdp/graph/reduced_gap.hpp — Bellman gaps and reachability of a reduced MDP (internal to solvers).
#pragma once

#include <span>
#include <vector>

#include "libmdp/graph/reduce.hpp"

namespace mdp::graph {

/// q(row) - V(s) of one row.
struct ReducedGap {
  TwoDouble value;
  double magnitude = 0.0;  ///< |c| + sum_j p_j (size(j) + size(s)) + exit size(s)
};

/// The same without the cost:  sum_j p_j (V(j) - V(s)) - exit V(s).
[[nodiscard]] ReducedGap drift_of_row(const ReducedMdp& m, Offset row, State row_state, std::span<const TwoDouble> v,
                                      std::span<const double> size);

/// \param row_state  reduced state that owns the row
/// \param v          [n_states]
/// \param size       [n_states] >= |v|
/// Rounding: value is within reduced_gap_rounding() * magnitude of the gap for the stored entries.
[[nodiscard]] ReducedGap gap_of_row(const ReducedMdp& m, Offset row, State row_state, std::span<const TwoDouble> v,
                                    std::span<const double> size);

/// n = most transitions in a row: differences 3 u^2, products 4 u^2, n + 2 sums 3 u^2 each: below (4 n + 32) u^2. Beyond it,
/// what products lose to underflow: below 2^-1040 together, nothing where magnitude is 0.
[[nodiscard]] double reduced_gap_rounding(const ReducedMdp& m);

/// Ways to the exit, breadth first.
struct WayOut {
  /// [n_states] the lowest row that leads a step nearer to the exit: the policy that takes them exits with probability 1.
  /// -1 where no row does.
  std::vector<Offset> rows;
  std::vector<State> order;  ///< the states that have one, nearest first
};
/// \param usable  [n_rows], or empty = all. O(n_transitions)
[[nodiscard]] WayOut way_out(const ReducedMdp& m, std::span<const char> usable = {});

/// way_out().rows
[[nodiscard]] std::vector<Offset> rows_to_exit(const ReducedMdp& m, std::span<const char> usable = {});

/// Whether the policy that takes rows[s] exits with probability 1 from every state.
[[nodiscard]] bool exits_surely(const ReducedMdp& m, std::span<const Offset> rows);

}  // namespace mdp::graph
