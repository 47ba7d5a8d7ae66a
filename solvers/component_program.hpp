// solvers/component_program.hpp — the linear program of an average-cost problem within an end component (internal).
#pragma once

#include <vector>

#include "libmdp/graph/reduce.hpp"

namespace mdp::solvers {

/// Relative values by CLP:  max g  over g and h, h(0) = 0, with  g <= c + sum_j p_j (h(j) - h(s))  on every row. In a communicating MDP
/// the optimum is g* (Puterman 1994, section 8.8, for one closed class; every solution of the inequalities has g <= g* by C5, and
/// the relative values of an optimal policy of one class attain it). To CLP's tolerance, of costs divided by the largest:
/// nothing is proved here. Empty where CLP finds none.
/// \param m            closed. Needs has_linear_programming().
/// \param max_seconds  of processor time, after which there are none
[[nodiscard]] std::vector<double> relative_values_by_program(const graph::ReducedMdp& m, double max_seconds);

}  // namespace mdp::solvers
