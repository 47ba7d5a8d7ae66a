// equivalence/rebuild.hpp — a new MDP from parts of old ones (internal to the room).
#pragma once

#include <span>
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

/// `mdp` itself if all its goals have cost-free self-loops, else a copy without those that do not.
[[nodiscard]] Mdp without_lost_goals(const Mdp& mdp);

/// `mdp` with other goal states, whose rows must be cost-free self-loops.
[[nodiscard]] Mdp with_goals(const Mdp& mdp, std::vector<State> goals);

}  // namespace mdp::equivalence
