#include "solvers/discounted_program.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "solvers/centre.hpp"
#include "solvers/linear_program.hpp"
#include "solvers/sweep_loop.hpp"

namespace mdp::solvers {
namespace {

// The constraint of a row, unless its cost or (gamma > 0) the value of a successor is infinite.
void add_row(const Mdp& mdp, std::span<const double> v, State s, Offset row, double scale, LinearProgram& program) {
  if (!(mdp.cost()[row] < infinity)) return;
  const Offset from = mdp.row_begin()[row];
  const Offset to = mdp.discount() > 0.0 ? mdp.row_begin()[row + 1] : from;
  for (Offset k = from; k < to; ++k) {
    if (v[mdp.next_state()[k]] == infinity) return;
  }
  double loop = 0.0;
  for (Offset k = from; k < to; ++k) {
    if (mdp.next_state()[k] == s)
      loop = mdp.probability()[k];
    else
      program.add_entry(mdp.next_state()[k], -mdp.discount() * mdp.probability()[k]);
  }
  program.add_entry(s, (1.0 - loop) + loop * mdp.exact_discount().complement.value());
  program.end_row(-infinity, mdp.cost()[row] / scale);
}

// Of costs divided by the largest: tolerances of the simplex are absolute, and the costs of a correction are small.
std::vector<double> solve_program(const Mdp& mdp, std::span<const double> v, const Run& run) {
  double scale = 0.0;
  for (const double c : mdp.cost()) scale = std::max(scale, c < infinity ? std::abs(c) : 0.0);
  if (scale == 0.0) scale = 1.0;
  LinearProgram program;
  for (const double value : v) {
    const double most = value < infinity ? infinity : 0.0;
    program.add_column(-1.0, -most, most);
  }
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (!(v[s] < infinity)) continue;
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
      add_row(mdp, v, s, row, scale, program);
    }
  }
  LinearProgramResult solved = solve_linear_program(program, run.seconds_left());
  if (solved.status != Status::converged) return {};
  for (double& x : solved.x) x *= scale;
  return std::move(solved.x);
}

}  // namespace

Outcome DiscountedProgram::improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) {
  bool solved = false;
  return sweep_until(mdp, it, run, goal, [&](Iterate& iterate) {
    if (solved) return false;
    solved = true;
    const auto v = solve_program(mdp, iterate.v, run);
    run.count_iteration();
    for (std::size_t s = 0; s < v.size(); ++s) {
      if (iterate.v[s] < infinity && std::isfinite(v[s])) iterate.v[s] = v[s];
    }
    iterate.size = centre(mdp, iterate.v, run.threads());
    return !v.empty();
  });
}

}  // namespace mdp::solvers
