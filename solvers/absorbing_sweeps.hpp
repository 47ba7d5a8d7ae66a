// solvers/absorbing_sweeps.hpp — least cost until exit by sweeps: a start for policy iteration, and large problems (internal).
#pragma once

#include <vector>

#include "libmdp/graph/reduce.hpp"
#include "solvers/absorbing.hpp"

namespace mdp::solvers {

/// A policy that exits surely and is greedy for values of a few Gauss–Seidel sweeps, or the one that takes the shortest way
/// out; empty if no policy exits.
[[nodiscard]] std::vector<Offset> good_start(const graph::ReducedMdp& m);

/// Values and policy by Gauss–Seidel sweeps in doubles, enclosed from both sides by times until exit.
///
/// With exact gaps of the values v found (as stored, computed in twice the precision and rounded outward):
/// - above: for w > 0 with w - P_mu w > 0 and eps (w - P_mu w) >= gap on the rows of a policy mu that exits surely,
///   T_mu (v + eps w) <= v + eps w, hence V^mu <= v + eps w (iterate; P_mu^n -> 0);
/// - below: for w >= 0 with gap + eps (w - P w) >= 0 on every row, v - eps w <= T(v - eps w), hence v - eps w <= V*.
/// w is a time until exit: of mu above; below the longest over the rows whose gap is too small to be out of the question.
[[nodiscard]] AbsorbingAnswer solve_by_sweeps(const graph::ReducedMdp& m, Run& run);

}  // namespace mdp::solvers
