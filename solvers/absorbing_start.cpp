#include "solvers/absorbing_start.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/graph/reduced_gap.hpp"
#include "libmdp/graph/reduced_sweep.hpp"
#include "libmdp/vectors.hpp"

namespace mdp::solvers {
namespace {

constexpr int start_sweeps = 200;

}  // namespace

std::vector<Offset> good_start(const graph::ReducedMdp& m, const Run& run, std::span<const double> values) {
  auto way = graph::way_out(m);
  const auto n = static_cast<std::size_t>(m.n_states());
  if (way.order.size() != n) return {};
  std::vector<double> v(values.begin(), values.end());
  v.resize(n, 0.0);
  std::vector<Offset> rows = way.rows;
  for (int sweep = 0; sweep < start_sweeps && !run.out_of_time(); ++sweep) {
    const double change = graph::gauss_seidel(m, way.order, sweep % 2 != 0, v, rows);
    if (!(change > 1e-12 * max_abs(v))) break;
  }
  return graph::exits_surely(m, rows) ? rows : way.rows;
}

std::vector<Offset> greedy_way_out(const graph::ReducedMdp& m, std::span<const double> v) {
  const auto way = graph::way_out(m);
  if (way.order.size() != at(m.n_states())) return {};
  const std::vector<TwoDouble> precise(v.begin(), v.end());
  std::vector<double> size;
  for (const double x : v) size.push_back(std::abs(x));
  std::vector<Offset> rows(at(m.n_states()));
  std::vector<char> taken(at(m.n_rows()), 0);
  for (State s = 0; s < m.n_states(); ++s) {
    double least = infinity;
    for (Offset row = m.state_rows[at(s)]; row < m.state_rows[at(s) + 1]; ++row) {
      const auto gap = graph::gap_of_row(m, row, s, precise, size);
      const double rounding = 4.0 * unit_roundoff * unit_roundoff * gap.magnitude;
      if (row != m.state_rows[at(s)] && !(gap.value.value() < least - rounding)) continue;
      least = gap.value.value();
      rows[at(s)] = row;
    }
    taken[at(rows[at(s)])] = 1;
  }
  const auto exits = graph::rows_to_exit(m, taken);
  for (std::size_t s = 0; s < rows.size(); ++s) {
    if (exits[s] < 0) rows[s] = way.rows[s];
  }
  return graph::exits_surely(m, rows) ? rows : way.rows;
}

}  // namespace mdp::solvers
