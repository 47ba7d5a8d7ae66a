// equivalence/rebuild.hpp — a new MDP from parts of old ones (internal to the room).
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::equivalence {

/// Transitions of an MDP on their way into another one. Rows sum to 1 but for rounding; zeros are dropped.
struct Transitions {
  Buffer<Offset> row_begin;         ///< [n_rows+1]
  Buffer<State> next_state;         ///< [n_transitions]
  Buffer<double> probability;       ///< [n_transitions]
  Buffer<double> probability_tail;  ///< [n_transitions] or empty
};

/// Copies the transitions of `mdp`.
[[nodiscard]] Transitions transitions_of(const Mdp& mdp);

/// An MDP with the shape, costs, initial distribution, names and objective of `frame`, other transitions and discount.
/// Goals of `frame` whose row is not a cost-free self-loop any more are goals no longer.
[[nodiscard]] Mdp rebuild(const Mdp& frame, Transitions&& transitions, const Discount& discount);

/// The model in which each row of `frame` leads to one state, `successor(row)`.
template <class Successor>
[[nodiscard]] Mdp deterministic_model(const Mdp& frame, Successor&& successor) {
  const auto n = static_cast<std::size_t>(frame.n_rows());
  Transitions rows;
  rows.row_begin.resize(n + 1);
  rows.next_state.resize(n);
  rows.probability.assign(n, 1.0);
  for (std::size_t row = 0; row <= n; ++row) rows.row_begin[row] = static_cast<Offset>(row);
  for (std::size_t row = 0; row < n; ++row) rows.next_state[row] = successor(static_cast<Offset>(row));
  return rebuild(frame, std::move(rows), frame.exact_discount());
}

/// `mdp` itself if all its goals have cost-free self-loops, else a copy without those that do not.
[[nodiscard]] Mdp without_lost_goals(const Mdp& mdp);

/// `mdp` with other goal states, whose rows must be cost-free self-loops.
[[nodiscard]] Mdp with_goals(const Mdp& mdp, std::vector<State> goals);

}  // namespace mdp::equivalence
