#include "equivalence/chi_squared.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/two_double.hpp"
#include "libmdp/types.hpp"

namespace mdp::equivalence {

RowSolution ChiSquaredProjection::operator()(std::span<const double> r, std::span<const double> x,
                                             std::span<double> p) {
  order_.clear();
  TwoDouble all;
  for (std::size_t i = 0; i < x.size(); ++i) {
    p[i] = 0.0;
    if (!(x[i] < infinity)) continue;
    order_.push_back(i);
    all = all + two_product(r[i], x[i]);
  }
  const double sign = all.hi < 0.0 ? 1.0 : -1.0;
  std::sort(order_.begin(), order_.end(), [&](std::size_t i, std::size_t j) { return sign * x[i] > sign * x[j]; });

  TwoDouble first, excess;  // over the active set, x_n its lowest: sum r x and sum r (x - x_n) x >= 0
  double delta = 0.0;
  std::size_t n = 0;
  while (n < order_.size()) {
    const double here = sign * x[order_[n]];
    if (n > 0) excess = excess + (TwoDouble(sign * x[order_[n - 1]]) - TwoDouble(here)) * first;
    first = first + two_product(r[order_[n]], here);
    ++n;
    if (!(first.hi < 0.0)) continue;
    delta = (excess / -first).hi;
    if (n == order_.size() || delta <= here - sign * x[order_[n]]) break;
  }
  const double lowest = sign * x[order_[n - 1]];
  TwoDouble mass;
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t i = order_[k];
    p[i] = r[i] * ((sign * x[i] - lowest) + delta);
    mass = mass + TwoDouble(p[i]);
  }
  const double lambda = 1.0 / mass.hi;
  for (std::size_t k = 0; k < n; ++k) p[order_[k]] *= lambda;

  // Gap of the Lagrangian at 2 (nu, lambda) as in EuclideanProjection, each square divided by r.
  double divergence = 0.0, gap = 0.0;
  TwoDouble mean;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (r[i] > 0.0) divergence += (p[i] - r[i]) * ((p[i] - r[i]) / r[i]);
    if (!(x[i] < infinity)) continue;
    const double tilt = lambda * ((sign * x[i] - lowest) + delta);  // 1 + nu + lambda x
    const double q = std::max(0.0, r[i] * tilt);
    gap += (p[i] - q) * ((p[i] + q) / r[i] - 2.0 * tilt);
    mean = mean + two_product(p[i], x[i]);
  }
  return {2.0 * sign * lambda, divergence, gap + 2.0 * sign * lambda * mean.hi};
}

}  // namespace mdp::equivalence
