#include "solvers/optimal_actions.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "solvers/result.hpp"

namespace mdp::solvers {
namespace {

// The same cost and the same transitions, to the bit.
bool identical(const Mdp& mdp, Offset a, Offset b) {
  const auto same_entry = [](std::span<const double> x, Offset i, Offset j) { return x.empty() || x[i] == x[j]; };
  const Offset first = mdp.row_begin()[a];
  const Offset length = mdp.row_begin()[a + 1] - first;
  const Offset other = mdp.row_begin()[b];
  if (mdp.row_begin()[b + 1] - other != length) return false;
  if (mdp.cost()[a] != mdp.cost()[b] || !same_entry(mdp.cost_tail(), a, b)) return false;
  for (Offset k = 0; k < length; ++k) {
    if (mdp.next_state()[first + k] != mdp.next_state()[other + k]) return false;
    if (mdp.probability()[first + k] != mdp.probability()[other + k]) return false;
    if (!same_entry(mdp.probability_tail(), first + k, other + k)) return false;
  }
  return true;
}

}  // namespace

void require_solution(const Mdp& mdp, const SolveResult& solution) {
  const auto n = static_cast<std::size_t>(mdp.n_states());
  const bool bounded = solution.value_lower.size() == n && solution.value_upper.size() == n;
  const bool unbounded = solution.value_lower.empty() && solution.value_upper.empty();
  if (solution.values.size() == n && solution.policy.size() == n && (bounded || unbounded)) return;
  throw InvalidArgument("derivative: the solution has " + std::to_string(solution.values.size()) + " values, the MDP " +
                        std::to_string(n) + " states");
}

double ValueBounds::error(std::span<const double> values) const {
  double largest = 0.0;
  for (std::size_t s = 0; s < values.size(); ++s) {
    if (values[s] == infinity) continue;
    largest = std::max(largest, std::max(upper[s] - values[s], values[s] - lower[s]));
  }
  return bounds::round_up(largest);
}

double ValueBounds::max_abs() const {
  double largest = 0.0;
  for (std::size_t s = 0; s < lower.size(); ++s) {
    if (lower[s] < infinity) largest = std::max(largest, std::max(std::abs(lower[s]), std::abs(upper[s])));
  }
  return largest;
}

double ValueBounds::max_width() const {
  double largest = 0.0;
  for (std::size_t s = 0; s < lower.size(); ++s) {
    if (lower[s] < infinity) largest = std::max(largest, bounds::round_up(upper[s] - lower[s]));
  }
  return largest;
}

OptimalActions optimal_actions(const Mdp& mdp, const ValueBounds& of, int threads) {
  std::vector<double> q_lower(mdp.n_rows());
  std::vector<double> t_upper(mdp.n_states());
  kernels::q_values(mdp, of.lower, q_lower, threads);
  kernels::bellman_sweep(mdp, of.upper, t_upper, {}, threads);
  const double size = of.max_abs();
  const double error = bounds::sweep_error(mdp, size);
  OptimalActions result;
  result.left.resize(mdp.n_states());
  // Two roundings outward and the rounding of this sum.
  result.margin = ((1.0 + mdp.discount()) * of.max_width() + 2.0 * error + bounds::rounding(4) * (size + error)) *
                  (1.0 + bounds::rounding(8));
  for (State s = 0; s < mdp.n_states(); ++s) {
    result.left[s].state = s;
    if (of.lower[s] == infinity) continue;
    const double upper = std::min(of.upper[s], bounds::round_up(t_upper[s] + error));
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
      if (bounds::round_down(q_lower[row] - error) > upper) continue;
      result.left[s].actions.push_back(static_cast<Action>(row - mdp.state_rows()[s]));
    }
  }
  return result;
}

void drop_duplicates(const Mdp& mdp, Tie& tie) {
  const Offset first = mdp.state_rows()[tie.state];
  std::vector<Action> kept;
  for (const Action a : tie.actions) {
    const auto same = [&](Action earlier) { return identical(mdp, first + earlier, first + a); };
    if (std::none_of(kept.begin(), kept.end(), same)) kept.push_back(a);
  }
  tie.actions = std::move(kept);
}

graph::RowMask rows_left(const Mdp& mdp, std::span<const Tie> left) {
  graph::RowMask usable(mdp.n_rows(), 0);
  for (const Tie& state : left) {
    for (const Action a : state.actions) usable[mdp.state_rows()[state.state] + a] = 1;
  }
  return usable;
}

graph::StateSet visited_states(const Mdp& mdp, std::span<const Tie> left) {
  if (mdp.discount() == 0.0) {  // only the first state counts
    graph::StateSet first(mdp.n_states());
    std::transform(mdp.initial().begin(), mdp.initial().end(), first.begin(), [](double p) { return p > 0.0 ? 1 : 0; });
    return first;
  }
  return graph::reachable_states(mdp, rows_left(mdp, left));
}

}  // namespace mdp::solvers
