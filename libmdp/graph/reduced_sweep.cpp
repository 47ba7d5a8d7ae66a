#include "libmdp/graph/reduced_sweep.hpp"

#include <algorithm>
#include <cmath>

namespace mdp::graph {
namespace {

std::size_t at(Offset i) { return static_cast<std::size_t>(i); }

double row_value(const ReducedMdp& m, Offset row, bool unit_cost, std::span<const double> v) {
  double sum = unit_cost ? 1.0 : m.cost[at(row)].hi;
  double leaving = m.exit[at(row)].hi;
  for (Offset k = m.row_begin[at(row)]; k < m.row_begin[at(row) + 1]; ++k) {
    const double p = m.probability[at(k)].hi;
    sum += p * v[at(m.next_state[at(k)])];
    leaving += p;
  }
  return sum / leaving;
}

}  // namespace

double gauss_seidel(const ReducedMdp& m, const SweepTask& task, std::span<const State> order, bool backward,
                    std::span<double> v, std::span<Offset> rows) {
  double change = 0.0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const State s = order[backward ? order.size() - 1 - i : i];
    double best = task.maximize ? -infinity : infinity;
    for (Offset row = m.state_rows[at(s)]; row < m.state_rows[at(s) + 1]; ++row) {
      if (!task.usable.empty() && task.usable[at(row)] == 0) continue;
      const double value = row_value(m, row, task.unit_cost, v);
      if (task.maximize ? value > best : value < best) {
        best = value;
        rows[at(s)] = row;
      }
    }
    change = std::max(change, std::abs(best - v[at(s)]));
    v[at(s)] = best;
  }
  return change;
}

}  // namespace mdp::graph
