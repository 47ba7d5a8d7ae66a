#include "equivalence/q_table.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/bounds.hpp"
#include "libmdp/kernels/accurate_row.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::equivalence {
namespace {

// Q of one row of state s: L + gamma (V(s) + E[V - V(s)]), the sum centred at the state.
TwoDouble q_of_row(const Mdp& mdp, const kernels::AccurateRow& rows, std::span<const double> v, State s, Offset row) {
  const TwoDouble cost = rows.cost(row);
  const TwoDouble discount = mdp.exact_discount().value;
  if (cost.hi == infinity || discount.hi == 0.0) return cost;
  if (rows.reaches_infinity(row, v)) return infinity;
  const double own = v[static_cast<std::size_t>(s)];
  const TwoDouble centre = own < infinity ? own : 0.0;
  return cost + discount * (centre + rows.expectation(row, v, centre));
}

}  // namespace

std::vector<double> with_goal_values(const Mdp& mdp, std::span<const double> values) {
  std::vector<double> result(values.begin(), values.end());
  for (const State s : mdp.goal()) result[static_cast<std::size_t>(s)] = 0.0;
  return result;
}

QTable q_table(const Mdp& mdp, std::span<const double> values, int threads) {
  const kernels::AccurateRow rows(mdp);
  QTable table;
  table.q.resize(static_cast<std::size_t>(mdp.n_rows()));
  table.minimum.resize(static_cast<std::size_t>(mdp.n_states()));
  kernels::for_states(mdp.blocks(), threads, [&](State first, State last) {
    for (State s = first; s < last; ++s) {
      TwoDouble best = infinity;
      const Offset first_row = mdp.state_rows()[static_cast<std::size_t>(s)];
      for (Offset row = first_row; row < first_row + mdp.n_actions(s); ++row) {
        const TwoDouble q = q_of_row(mdp, rows, values, s, row);
        table.q[static_cast<std::size_t>(row)] = q;
        if (q < best) best = q;
      }
      table.minimum[static_cast<std::size_t>(s)] = best;
    }
  });

  for (std::size_t s = 0; s < values.size(); ++s) {
    if (values[s] == infinity) continue;
    table.max_abs_value = std::max({table.max_abs_value, std::abs(values[s]), std::abs(table.minimum[s].hi)});
  }
  // |L| + gamma (|V(s)| + E|V - V(s)|) <= |L| + 3 max|V|, and four more operations.
  const double size = mdp.max_abs_cost() + 4.0 * table.max_abs_value;
  table.rounding_bound =
      bounds::round_up(kernels::AccurateRow::error(mdp.max_row_length() + 4, size) + mdp.entry_error().cost_absolute);
  return table;
}

}  // namespace mdp::equivalence
