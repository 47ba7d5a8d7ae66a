// equivalence/bisimulation.hpp — states that behave alike, the quotient they make, and the models it stands for.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::equivalence {

/// The coarsest bisimulation of an MDP: states of a block have the same number of actions and, action by action (matched
/// by position), the same cost and the same probability of moving into each block; goal states are apart from others
/// (Larsen and Skou 1991; Givan, Dean and Greig 2003). V*, Q* and every criterion's values are constant on blocks.
struct Bisimulation {
  std::vector<State> block;           ///< [n_states] 0 .. n_blocks-1, blocks in the order of their lowest states
  std::vector<State> representative;  ///< [n_blocks] the lowest state of each

  [[nodiscard]] State n_blocks() const noexcept { return static_cast<State>(representative.size()); }
};

/// Decided exactly, for the MDP as stored: entries are the rationals that exact arithmetic makes of them (a file whose
/// text says more than doubles hold is decided as written by `mdp bisimulation`).
///
/// Partition refinement by splitters, all but the largest part of a split block being new splitters (Hopcroft 1971; Valmari
/// and Franceschinis 2010). Sums of probabilities are compared by their residues modulo the prime 2^61 - 1, which are exact
/// sums whatever the order; equal sums have equal residues, so the partition is never finer than the coarsest bisimulation, and
/// a last pass in rationals proves that it is one (a chance agreement of residues, 2^-61 each, makes it start again with other
/// multipliers).
/// Cost O(n_transitions log n_states) operations, sorting aside; memory that of the model in rationals.
[[nodiscard]] Bisimulation bisimulation(const Mdp& mdp);

/// The MDP on blocks: rows of the representatives, probabilities of a block added up; names of the representatives.
/// \throws InvalidArgument if `bisimulation` is not one of an MDP of this shape.
[[nodiscard]] Mdp quotient(const Mdp& mdp, const Bisimulation& bisimulation);

/// A model of the family that the quotient stands for: what moves into a block lands in it as `weight` says,
///     rho^(s'|s,a) = P(block(s') | s, a) weight(s') / (sum of weight over the block).
/// With the world's cost and discount Q^* = Q* (T6: V* is constant on blocks, so every row meets its moment equation).
/// \param weight  [n_states] >= 0, with a positive sum in every block; empty: uniform
/// \throws InvalidArgument. Goals keep their self-loops only where their block is theirs alone or weights say so.
[[nodiscard]] Mdp lift(const Mdp& mdp, const Bisimulation& bisimulation, std::span<const double> weight = {});

}  // namespace mdp::equivalence
