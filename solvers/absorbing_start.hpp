// solvers/absorbing_start.hpp — a policy to start from (internal).
#pragma once

#include <span>
#include <vector>

#include "libmdp/graph/reduce.hpp"
#include "solvers/run.hpp"

namespace mdp::solvers {

/// A policy that exits surely and is greedy for values of a few Gauss–Seidel sweeps, or the one that takes the shortest way
/// out; empty if some state has none.
/// \param values  [n_states] from which the sweeps start, or empty = zero
[[nodiscard]] std::vector<Offset> good_start(const graph::ReducedMdp& m, const Run& run,
                                             std::span<const double> values = {});

/// The policy of the least gaps  c + P v - v(s), as far as doubles can tell, the lowest rows among them; where it does not exit
/// surely, each state that does not takes the shortest way. Empty if some state has none.
[[nodiscard]] std::vector<Offset> greedy_way_out(const graph::ReducedMdp& m, std::span<const double> v);

}  // namespace mdp::solvers
