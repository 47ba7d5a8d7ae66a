// solvers/exact_cycle.hpp — is the mean cost of a chain below, at or above 0? In rationals (internal).
#pragma once

#include <optional>
#include <span>

#include "libmdp/graph/reduce.hpp"

namespace mdp::solvers {

/// An end component, and where its entries come from.
struct MeantComponent {
  const graph::ReducedMdp& part;  ///< one state for each of the component, see ComponentModels
  std::span<const State> states;  ///< [part states] their positions in the MDP
  const Mdp& mdp;
  bool exact_doubles = true;  ///< doubles, and sums of two, are what is meant: not for averaged rows
};

/// Sign of the gain of the recurrent class of `root` under a policy, where doubles cannot tell it from 0: -1, 0 or 1.
/// A row of doubles, or of sums of doubles (merged successors: at most 70 bits), is what it is, divided by its sum. Longer
/// entries are read as the simplest rationals within 2^-98 of them: a decimal or fraction whose numerator and denominator have
/// fewer than 48 bits is found again from its 106 bits. Nothing if an entry is no such number, the class has more than max_states states, or its digits would be too many. By
/// gain_of_chain().
[[nodiscard]] std::optional<int> sign_of_gain(const MeantComponent& component, std::span<const Offset> rows, State root,
                                              State max_states);

}  // namespace mdp::solvers
