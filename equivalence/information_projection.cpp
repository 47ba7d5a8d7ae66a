#include "equivalence/information_projection.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "equivalence/relative_entropy.hpp"
#include "libmdp/two_double.hpp"
#include "libmdp/types.hpp"

namespace mdp::equivalence {
InformationProjection::Moment InformationProjection::moment(double lambda, bool positive) const {
  const auto counts = [&](std::size_t i) { return positive ? x_[i] > 0.0 : x_[i] < 0.0; };
  double largest = -infinity;
  double size = 0.0;
  for (std::size_t i = 0; i < x_.size(); ++i) {
    const double exponent = log_weight_[i] + lambda * x_[i];
    if (!counts(i) || exponent <= largest) continue;
    largest = exponent;
    size = std::abs(log_weight_[i]) + std::abs(lambda * x_[i]);
  }
  double sum = 0.0;
  double weighted = 0.0;
  for (std::size_t i = 0; i < x_.size(); ++i) {
    if (!counts(i)) continue;
    const double w = std::exp(log_weight_[i] + lambda * x_[i] - largest);
    sum += w;
    weighted += w * std::abs(x_[i]);
  }
  return {largest + std::log(sum), weighted / sum, size};
}

InformationProjection::Balance InformationProjection::balance(double lambda) const {
  const Moment plus = moment(lambda, true);
  const Moment minus = moment(lambda, false);
  const double noise = 4.0 * unit_roundoff * std::max({1.0, plus.size, minus.size});
  return {plus.log_sum - minus.log_sum, plus.mean + minus.mean, noise};
}

// The root of h: Newton's method, bisection where a step leaves the bracket or does not halve |h|.
double InformationProjection::root() const {
  double smallest_up = infinity, largest_up = 0.0, smallest_down = infinity, largest_down = 0.0;
  for (const double x : x_) {
    if (x > 0.0) smallest_up = std::min(smallest_up, x), largest_up = std::max(largest_up, x);
    if (x < 0.0) smallest_down = std::min(smallest_down, -x), largest_down = std::max(largest_down, -x);
  }
  const Balance start = balance(0.0);
  if (start.value == 0.0) return 0.0;
  const double sign = start.value < 0.0 ? 1.0 : -1.0;  // of the root
  double low = std::abs(start.value) / (largest_up + largest_down);
  double high = std::abs(start.value) / (smallest_up + smallest_down);
  double t = std::clamp(std::abs(start.value) / start.slope, low, high);
  double last_size = infinity;
  constexpr int max_steps = 200;  // 64 bisections of the exponent, 53 of the digits, and Newton's few
  for (int step = 0; step < max_steps; ++step) {
    const Balance h = balance(sign * t);
    const double f = sign * h.value;  // increases with t
    if (std::abs(f) <= h.noise) break;
    (f < 0.0 ? low : high) = t;
    double next = t - f / h.slope;
    if (!(next > low && next < high) || std::abs(f) > 0.5 * last_size) {
      next = high > 2.0 * low ? std::sqrt(low) * std::sqrt(high) : low + 0.5 * (high - low);
    }
    if (next == low || next == high) break;
    last_size = std::abs(f);
    t = next;
  }
  return sign * t;
}

// p = r e^{lambda x - log_partition}; r or the exponential alone may leave the range of double.
void InformationProjection::set_exponential(std::span<const double> r, double lambda, double log_partition,
                                            std::span<double> p) const {
  for (std::size_t i = 0; i < r.size(); ++i) {
    const double exponent = lambda * x_[i] - log_partition;
    if (log_r_[i] == -infinity)
      p[i] = 0.0;
    else
      p[i] = exponent < 600.0 ? r[i] * std::exp(exponent) : std::exp(log_r_[i] + exponent);
  }
}

// Newton's step in p itself, p e^{eta x}: what one more step in lambda would do, were lambda not rounded to a double.
void InformationProjection::refine(std::span<double> p) const {
  for (int step = 0; step < 3; ++step) {
    TwoDouble mass;
    for (const double value : p) mass = mass + TwoDouble(value);
    TwoDouble mean;
    double absolute = 0.0;
    double square = 0.0;
    for (std::size_t i = 0; i < p.size(); ++i) {
      p[i] /= mass.hi;
      mean = mean + two_product(p[i], x_[i]);
      absolute += p[i] * std::abs(x_[i]);
      square += p[i] * x_[i] * x_[i];
    }
    if (std::abs(mean.hi) <= unit_roundoff * absolute || !(square > 0.0)) return;
    const double eta = -mean.hi / square;
    for (std::size_t i = 0; i < p.size(); ++i) p[i] *= std::exp(std::clamp(eta * x_[i], -1.0, 1.0));
  }
}

RowSolution InformationProjection::operator()(std::span<const double> r, std::span<const double> x,
                                              std::span<double> p) {
  x_.resize(x.size());
  log_r_.resize(x.size());
  log_weight_.resize(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const bool inside = x[i] < infinity;
    x_[i] = inside ? x[i] : 0.0;
    log_r_[i] = inside ? std::log(r[i]) : -infinity;
    log_weight_[i] = log_r_[i] + std::log(std::abs(x_[i]));
  }
  const double lambda = root();
  double top = -infinity;
  for (std::size_t i = 0; i < x.size(); ++i) top = std::max(top, log_r_[i] + lambda * x_[i]);
  double sum = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += std::exp(log_r_[i] + lambda * x_[i] - top);
  const double log_partition = top + std::log(sum);

  set_exponential(r, lambda, log_partition, p);
  refine(p);
  // Weak duality: for every lambda, -log sum_D r e^{lambda x} <= KL(p || r).
  const double kl = relative_entropy(p, r);
  return {lambda, kl, kl + log_partition};
}

}  // namespace mdp::equivalence
