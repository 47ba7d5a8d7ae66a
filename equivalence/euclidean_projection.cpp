#include "equivalence/euclidean_projection.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/two_double.hpp"
#include "libmdp/types.hpp"

namespace mdp::equivalence {

EuclideanProjection::Moment EuclideanProjection::at(double lambda) {
  // Entries dropped once never come back: nu only falls. Before the first round all of D is active.
  for (std::size_t i = 0; i < p_.size(); ++i) p_[i] = x_[i] < infinity ? 1.0 : 0.0;
  for (std::size_t n_active = 0;;) {
    TwoDouble mass;
    std::size_t n = 0;
    for (std::size_t i = 0; i < p_.size(); ++i) {
      if (!(p_[i] > 0.0)) continue;
      mass = mass + TwoDouble(r_[i]) + two_product(lambda, x_[i]);
      ++n;
    }
    if (n == 0) return end_of(lambda);
    if (n == n_active) break;
    n_active = n;
    nu_ = (TwoDouble(1.0) - mass).hi / static_cast<double>(n);
    for (std::size_t i = 0; i < p_.size(); ++i) {
      if (p_[i] > 0.0) p_[i] = std::max(0.0, r_[i] + (nu_ + lambda * x_[i]));
    }
  }
  TwoDouble mean;
  double n = 0.0, centre = 0.0, largest = 0.0, square = 0.0;
  for (std::size_t i = 0; i < p_.size(); ++i) {
    if (!(p_[i] > 0.0)) continue;
    mean = mean + two_product(p_[i], x_[i]);
    n += 1.0;
    centre += x_[i];
    largest = std::max(largest, std::abs(x_[i]));
  }
  centre /= n;
  for (std::size_t i = 0; i < p_.size(); ++i) {
    if (p_[i] > 0.0) square += (x_[i] - centre) * (x_[i] - centre);
  }
  // What is left of equal numbers is no slope.
  return {mean.hi, square > 64.0 * n * unit_roundoff * unit_roundoff * largest * largest ? square : 0.0};
}

// Beyond what doubles resolve: all mass at the lowest or the highest x.
EuclideanProjection::Moment EuclideanProjection::end_of(double lambda) {
  double end = lambda > 0.0 ? -infinity : infinity;
  for (const double x : x_) {
    if (x < infinity) end = lambda > 0.0 ? std::max(end, x) : std::min(end, x);
  }
  const auto n = static_cast<double>(std::ranges::count(x_, end));
  for (std::size_t i = 0; i < p_.size(); ++i) p_[i] = x_[i] == end ? 1.0 / n : 0.0;
  return {end, 0.0};
}

double EuclideanProjection::root() {
  double low = -infinity, high = infinity;
  double lambda = 0.0;
  double last_size = infinity;
  double reach = 1.0;  // of a step where there is no slope to go by
  constexpr int max_steps = 400;
  for (int step = 0; step < max_steps; ++step) {
    const Moment m = at(lambda);
    if (std::abs(m.mean) <= unit_roundoff) break;
    (m.mean < 0.0 ? low : high) = lambda;
    double next = m.slope > 0.0 ? lambda - m.mean / m.slope : infinity;
    const bool is_inside = next > low && next < high && std::abs(next) < infinity;
    const bool is_bracketed = low > -infinity && high < infinity;
    if (is_bracketed && (!is_inside || std::abs(m.mean) > 0.5 * last_size)) {
      next = low + 0.5 * (high - low);
    } else if (!is_inside) {
      next = lambda + (m.mean < 0.0 ? reach : -reach);
      reach *= 8.0;
    }
    if (next == low || next == high || next == lambda) break;
    last_size = std::abs(m.mean);
    lambda = next;
  }
  at(lambda);
  return lambda;
}

// p + d nu + d lambda x on the active set, so that mass and moment are met to a rounding.
void EuclideanProjection::refine() {
  for (int step = 0; step < 2; ++step) {
    TwoDouble mass, mean;
    double n = 0.0, centre = 0.0, square = 0.0;
    for (std::size_t i = 0; i < p_.size(); ++i) {
      if (!(p_[i] > 0.0)) continue;
      mass = mass + TwoDouble(p_[i]);
      mean = mean + two_product(p_[i], x_[i]);
      n += 1.0;
      centre += x_[i];
    }
    centre /= n;
    for (std::size_t i = 0; i < p_.size(); ++i) {
      if (p_[i] > 0.0) square += (x_[i] - centre) * (x_[i] - centre);
    }
    const double missing = (TwoDouble(1.0) - mass).hi;
    const double slope = square > 0.0 ? (-mean.hi - missing * centre) / square : 0.0;
    for (std::size_t i = 0; i < p_.size(); ++i) {
      if (p_[i] > 0.0) p_[i] = std::max(0.0, p_[i] + (missing / n + slope * (x_[i] - centre)));
    }
  }
}

RowSolution EuclideanProjection::operator()(std::span<const double> r, std::span<const double> x, bool has_moment,
                                            std::span<double> p) {
  r_ = r, x_ = x, p_ = p;
  double lambda = 0.0;
  if (has_moment) {
    lambda = root();
    refine();
  } else {
    at(0.0);
  }
  // Gap of the Lagrangian of the square at 2 (nu, lambda), whose minimiser over p >= 0 is q = max(0, r + nu + lambda x);
  // written so that nothing cancels: sum (p - q) (p + q - 2r - 2 (nu + lambda x)) + 2 lambda sum p x, for p of mass 1.
  double square = 0.0;
  double gap = 0.0;
  TwoDouble mean;
  for (std::size_t i = 0; i < p.size(); ++i) {
    square += (p[i] - r[i]) * (p[i] - r[i]);
    if (!(x[i] < infinity)) continue;
    const double price = nu_ + lambda * x[i];
    const double q = std::max(0.0, r[i] + price);
    gap += (p[i] - q) * ((p[i] + q - 2.0 * r[i]) - 2.0 * price);
    mean = mean + two_product(p[i], x[i]);
  }
  if (has_moment) gap += 2.0 * lambda * mean.hi;
  // sqrt d - sqrt(d - gap) = gap / (sqrt d + sqrt(d - gap))
  const double norm = std::sqrt(square);
  if (norm == 0.0) return {};
  return {lambda / norm, norm, gap / (norm + std::sqrt(std::max(0.0, square - gap)))};
}

}  // namespace mdp::equivalence
