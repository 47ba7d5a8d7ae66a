// libmdp/kernels/elimination_sweep.hpp — a Bellman sweep that leaves out rows proved not to be optimal.
#pragma once

#include <span>

#include "libmdp/kernels/bellman.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::kernels {

struct EliminationSweep {
  ResidualRange residual = {};
  Offset n_read = 0;  ///< transitions of rows that were looked at
  Offset n_rows_read = 0;
  Offset n_eliminated = 0;  ///< rows newly left out
};

/// tv = Tv over the rows with skip[row] == 0; a row is then marked where q > min q + slack.
/// \param slack  at least gamma (upper - lower) + twice the error of a q, where v + lower <= V* <= v + upper at every
///               state: then Q*(row) >= q + gamma lower - error > min q + gamma upper + error >= V* (theory.md, C4)
/// A row with skip[row] != 0 would not have been the minimiser in exact arithmetic of V*; at this v it may be, so that
/// tv is that of the MDP with those rows left out, whose V* is the same.
EliminationSweep elimination_sweep(const Mdp& mdp, std::span<const double> v, double slack, std::span<double> tv,
                                   std::span<Action> policy, std::span<char> skip, int threads = 0);

}  // namespace mdp::kernels
