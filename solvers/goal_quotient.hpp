// solvers/goal_quotient.hpp — a reduced MDP as an Mdp of its own, its exit the goal (internal).
#pragma once

#include "libmdp/graph/reduce.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/enclosure.hpp"

namespace mdp::solvers {

/// States and rows of the reduced MDP in the same order, then the goal; discount 1. What a row's entries and exit leave of 1 is
/// its self-loop. Entries keep their 106 bits.
/// \param m  every state has a row
[[nodiscard]] Mdp quotient_mdp(const graph::ReducedMdp& m);

/// What quotient_mdp() does not know of the MDP meant. Entries of a row are off by entry_error of themselves, so together
/// by entry_error; the self-loop by as much and its rounding, 3 u^2 for each of at most n + 2 sums; costs by cost_error
/// and entry_error |cost|.
[[nodiscard]] EntryUncertainty quotient_uncertainty(const graph::ReducedMdp& m);

}  // namespace mdp::solvers
