#include "solvers/exact_component.hpp"

#include <algorithm>
#include <cmath>

#include <gmpxx.h>

#include "libmdp/bounds.hpp"
#include "libmdp/io/extended.hpp"
#include "solvers/exact/exact_answer.hpp"

namespace mdp::solvers {
namespace {

mpq_class exact(TwoDouble x) { return mpq_class(x.hi) + mpq_class(x.lo); }

// Moves to other states as they are, the loop is what they leave of 1; where they pass 1, by rounding, divided by their sum.
// Returns by how much they passed it.
double take_row(const graph::ReducedMdp& m, State s, Offset row, io::ExactModel::Row& result) {
  mpq_class sum;
  for (Offset k = m.row_begin[at(row)]; k < m.row_begin[at(row) + 1]; ++k) {
    result.to.emplace_back(m.next_state[at(k)], exact(m.probability[at(k)]));
    sum += result.to.back().second;
  }
  result.cost = exact(m.cost[at(row)]);
  if (sum > 1) {
    for (auto& [next, p] : result.to) p /= sum;
    return bounds::round_up(mpq_class(sum - 1).get_d());
  }
  if (sum < 1) result.to.emplace_back(s, 1 - sum);
  std::sort(result.to.begin(), result.to.end(), [](const auto& x, const auto& y) { return x.first < y.first; });
  return 0.0;
}

}  // namespace

std::optional<ExactComponentGain> exact_component_gain(const graph::ReducedMdp& m, std::span<const Offset> start) {
  io::ExactModel model;
  model.n_states = m.n_states();
  model.state_rows.assign(m.state_rows.begin(), m.state_rows.end());
  ExactOptions options;
  double passed = 0.0;
  double least = infinity;  // cost
  for (State s = 0; s < m.n_states(); ++s) {
    options.start.push_back(static_cast<Action>(start[at(s)] - m.state_rows[at(s)]));
    for (Offset row = m.state_rows[at(s)]; row < m.state_rows[at(s) + 1]; ++row) {
      passed = std::max(passed, take_row(m, s, row, model.rows.emplace_back()));
      least = std::min(least, m.cost[at(row)].hi);
    }
  }
  options.max_bytes = 1e8;
  options.max_operations = 1e9;
  const ExactAnswer answer = solve_exact(model, Criterion::average, options);
  const double e = (m.entry_error + passed) * (1.0 + 0x1p-50);
  const double power = 2.01 * static_cast<double>(m.n_states()) * e;  // q <= exp(power) <= 1 + 1.1 power
  if (!answer.converged() || !(power < 0.05)) return std::nullopt;
  ExactComponentGain gain;
  gain.lower = io::round_down(answer.value.front());
  gain.upper = io::round_up(answer.value.front());
  const double size = (std::max(0.0, gain.upper - least) + 2.0 * std::abs(least)) * (1.0 + 0x1p-50);
  const double error = ((1.1 * power + e) * size + m.cost_error) * (1.0 + 0x1p-50);
  if (error > 0.0) {
    gain.lower = bounds::round_down(gain.lower - error);
    gain.upper = bounds::round_up(gain.upper + error);
  }
  for (State s = 0; s < m.n_states(); ++s) gain.rows.push_back(m.state_rows[at(s)] + answer.policy[at(s)]);
  return gain;
}

}  // namespace mdp::solvers
