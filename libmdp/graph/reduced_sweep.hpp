// libmdp/graph/reduced_sweep.hpp — Gauss–Seidel sweeps over a reduced MDP, in doubles (internal to solvers).
#pragma once

#include <span>
#include <vector>

#include "libmdp/graph/reduce.hpp"

namespace mdp::graph {

/// What a sweep solves:  V(s) = opt over usable rows of (c + sum_j p_j V(j)) / (sum_j p_j + exit).
struct SweepTask {
  bool maximize = false;
  bool unit_cost = false;             ///< every row costs 1 instead: the time until exit
  std::span<const char> usable = {};  ///< [n_rows], at least one row in each state; empty = all
};

/// One sweep in place over the states of `order`, or in the opposite order. rows [n_states]: written, the optimal row
/// of each state (the lowest). Returns the largest change. O(n_transitions).
double gauss_seidel(const ReducedMdp& m, const SweepTask& task, std::span<const State> order, bool backward,
                    std::span<double> v, std::span<Offset> rows);

}  // namespace mdp::graph
