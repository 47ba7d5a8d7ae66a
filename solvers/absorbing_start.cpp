#include "solvers/absorbing_start.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/graph/reduced_gap.hpp"
#include "libmdp/graph/reduced_sweep.hpp"

namespace mdp::solvers {
namespace {

constexpr int start_sweeps = 200;

double max_abs(std::span<const double> v) {
  double largest = 0.0;
  for (const double x : v) largest = std::max(largest, std::abs(x));
  return largest;
}

}  // namespace

std::vector<Offset> good_start(const graph::ReducedMdp& m, std::span<const double> values) {
  auto way = graph::way_out(m);
  const auto n = static_cast<std::size_t>(m.n_states());
  if (way.order.size() != n) return {};
  std::vector<double> v(values.begin(), values.end());
  v.resize(n, 0.0);
  std::vector<Offset> rows = way.rows;
  for (int sweep = 0; sweep < start_sweeps; ++sweep) {
    const double change = graph::gauss_seidel(m, way.order, sweep % 2 != 0, v, rows);
    if (!(change > 1e-12 * max_abs(v))) break;
  }
  return graph::exits_surely(m, rows) ? rows : way.rows;
}

}  // namespace mdp::solvers
