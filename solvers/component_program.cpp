#include "solvers/component_program.hpp"

#include <algorithm>
#include <cmath>

#include "solvers/linear_program.hpp"

namespace mdp::solvers {

std::vector<double> relative_values_by_program(const graph::ReducedMdp& m, double max_seconds) {
  double scale = 0.0;
  for (const TwoDouble c : m.cost) scale = std::max(scale, std::abs(c.hi));
  if (scale == 0.0) scale = 1.0;
  LinearProgram program;
  for (State s = 0; s < m.n_states(); ++s) {
    program.add_column(0.0, s == 0 ? 0.0 : -infinity, s == 0 ? 0.0 : infinity);
  }
  const int gain = program.add_column(-1.0, -infinity, infinity);
  for (State s = 0; s < m.n_states(); ++s) {
    for (Offset row = m.state_rows[at(s)]; row < m.state_rows[at(s) + 1]; ++row) {
      double leaving = 0.0;
      for (Offset k = m.row_begin[at(row)]; k < m.row_begin[at(row) + 1]; ++k) {
        program.add_entry(m.next_state[at(k)], -m.probability[at(k)].hi);
        leaving += m.probability[at(k)].hi;
      }
      if (leaving > 0.0) program.add_entry(s, leaving);
      program.add_entry(gain, 1.0);
      program.end_row(-infinity, m.cost[at(row)].hi / scale);
    }
  }
  LinearProgramResult solved = solve_linear_program(program, max_seconds);
  if (solved.status != Status::converged) return {};
  solved.x.pop_back();
  for (double& h : solved.x) h *= scale;
  return solved.x;
}

}  // namespace mdp::solvers
