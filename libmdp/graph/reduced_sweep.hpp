// libmdp/graph/reduced_sweep.hpp — Gauss–Seidel sweeps over a reduced MDP, in doubles (internal to solvers).
#pragma once

#include <span>
#include <vector>

#include "libmdp/graph/reduce.hpp"
#include "libmdp/kernels/bellman.hpp"

namespace mdp::graph {

/// V(s) <- min over rows of (c + sum_j p_j V(j)) / (sum_j p_j + exit), in place over the states of `order`, or in the opposite
/// order. rows [n_states]: written, the optimal row of each state (the lowest). Returns the largest change.
/// O(n_transitions).
double gauss_seidel(const ReducedMdp& m, std::span<const State> order, bool backward, std::span<double> v,
                    std::span<Offset> rows);

/// gap(s) = min over rows of  c + sum_j p_j (h(j) - h(s)),  that is Th - h, and the lowest row that attains it. Returns the range
/// of the gaps. For closed reduced MDPs (no exits). O(n_transitions).
kernels::ResidualRange relative_sweep(const ReducedMdp& m, std::span<const double> h, std::span<double> gap,
                                      std::span<Offset> rows);

}  // namespace mdp::graph
