#include "libmdp/graph/reduced_sweep.hpp"

#include <algorithm>
#include <cmath>

namespace mdp::graph {
namespace {

double row_value(const ReducedMdp& m, Offset row, std::span<const double> v) {
  double sum = m.cost[at(row)].hi;
  double leaving = m.exit[at(row)].hi;
  for (Offset k = m.row_begin[at(row)]; k < m.row_begin[at(row) + 1]; ++k) {
    const double p = m.probability[at(k)].hi;
    sum += p * v[at(m.next_state[at(k)])];
    leaving += p;
  }
  return sum / leaving;
}

}  // namespace

double gauss_seidel(const ReducedMdp& m, std::span<const State> order, bool backward, std::span<double> v,
                    std::span<Offset> rows) {
  double change = 0.0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const State s = order[backward ? order.size() - 1 - i : i];
    double best = infinity;
    for (Offset row = m.state_rows[at(s)]; row < m.state_rows[at(s) + 1]; ++row) {
      const double value = row_value(m, row, v);
      if (!(value < best)) continue;
      best = value;
      rows[at(s)] = row;
    }
    change = std::max(change, std::abs(best - v[at(s)]));
    v[at(s)] = best;
  }
  return change;
}

kernels::ResidualRange relative_sweep(const ReducedMdp& m, std::span<const double> h, std::span<double> gap,
                                      std::span<Offset> rows) {
  kernels::ResidualRange range;
  for (State s = 0; s < m.n_states(); ++s) {
    double best = infinity;
    for (Offset row = m.state_rows[at(s)]; row < m.state_rows[at(s) + 1]; ++row) {
      double value = m.cost[at(row)].hi;
      for (Offset k = m.row_begin[at(row)]; k < m.row_begin[at(row) + 1]; ++k) {
        value += m.probability[at(k)].hi * (h[at(m.next_state[at(k)])] - h[at(s)]);
      }
      if (!(value < best)) continue;
      best = value;
      rows[at(s)] = row;
    }
    gap[at(s)] = best;
    range = {std::min(range.min, best), std::max(range.max, best)};
  }
  return range;
}

}  // namespace mdp::graph
