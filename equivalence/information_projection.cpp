#include "equivalence/information_projection.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "libmdp/two_double.hpp"

namespace mdp::equivalence {
namespace {

// p = r restricted to the entries that `keep` names, divided by their sum.
template <class Keep>
void condition(std::span<const double> r, std::span<double> p, Keep&& keep) {
  TwoDouble mass;
  for (std::size_t i = 0; i < r.size(); ++i) {
    p[i] = keep(i) ? r[i] : 0.0;
    mass = mass + TwoDouble(p[i]);
  }
  if (std::none_of(p.begin(), p.end(), [](double value) { return value == 0.0; })) return;  // r to the bit
  for (double& value : p) value /= mass.hi;
}

// p log(p/r) - p + r >= 0, without cancellation for p near r: with d = (p - r)/r it is r times
// (1 + d) log(1 + d) - d = d^2/2 - d^3/6 + d^4/12 - ...
double divergence_term(double p, double r) {
  const double d = (p - r) / r;
  if (p == 0.0) return r;
  if (std::abs(d) > 1e-2) return p * (std::log(p) - std::log(r)) - p + r;
  double sum = 0.0;
  double power = d * d;
  for (int n = 2; n <= 10; ++n, power *= -d) sum += power / (n * (n - 1.0));
  return r * sum;
}

// KL(p || r); both sum to 1.
double divergence(std::span<const double> p, std::span<const double> r) {
  double sum = 0.0;
  for (std::size_t i = 0; i < r.size(); ++i) sum += divergence_term(p[i], r[i]);
  return sum;
}

// What the entries of x in D look like.
struct Range {
  double low = infinity;
  double high = -infinity;
  TwoDouble moment;            // sum r x
  double absolute_moment = 0;  // sum r |x|
};

Range range_of(std::span<const double> r, std::span<const double> x) {
  Range range;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] == infinity) continue;
    range.low = std::min(range.low, x[i]);
    range.high = std::max(range.high, x[i]);
    range.moment = range.moment + two_product(r[i], x[i]);
    range.absolute_moment += r[i] * std::abs(x[i]);
  }
  return range;
}

}  // namespace

std::string_view to_string(RowOutcome outcome) noexcept {
  switch (outcome) {
    case RowOutcome::kept: return "kept";
    case RowOutcome::tilted: return "tilted";
    case RowOutcome::boundary: return "boundary";
    case RowOutcome::infeasible: return "infeasible";
    case RowOutcome::unbounded: return "unbounded";
  }
  return "kept";
}

Projection InformationProjection::operator()(std::span<const double> r, std::span<const double> x, double tie,
                                             double slack, std::span<double> p) {
  const Range range = range_of(r, x);
  if (range.low > range.high) {  // D is empty
    std::copy(r.begin(), r.end(), p.begin());
    return {RowOutcome::infeasible, not_computed, infinity, 0.0};
  }
  const bool is_constant = range.high - range.low <= tie;
  // Entries of r carry a rounding of u each, and so does their sum: a moment below that is none.
  const bool is_met = std::abs(range.moment.hi) <= 4.0 * unit_roundoff * range.absolute_moment;
  if (is_met || (is_constant && std::min(std::abs(range.low), std::abs(range.high)) <= slack)) {
    condition(r, p, [x](std::size_t i) { return x[i] < infinity; });
    return {RowOutcome::kept, 0.0, divergence(p, r), 0.0};
  }
  if (range.low < -tie && range.high > tie) return tilt(r, x, std::max(-range.low, range.high), p);

  const bool at_upper_end = range.high <= tie;
  const double end = at_upper_end ? range.high : range.low;
  condition(r, p, [x, end, tie](std::size_t i) { return std::abs(x[i] - end) <= tie; });
  if (std::abs(end) > slack) return {RowOutcome::infeasible, not_computed, infinity, 0.0};
  return {RowOutcome::boundary, at_upper_end ? infinity : -infinity, divergence(p, r), 0.0};
}

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

Projection InformationProjection::tilt(std::span<const double> r, std::span<const double> x, double largest,
                                       std::span<double> p) {
  const int exponent = std::ilogb(largest) + 1;
  x_.resize(x.size());
  log_r_.resize(x.size());
  log_weight_.resize(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const bool inside = x[i] < infinity;
    x_[i] = inside ? std::ldexp(x[i], -exponent) : 0.0;
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
  const double kl = divergence(p, r);
  return {RowOutcome::tilted, std::ldexp(lambda, -exponent), kl, kl + log_partition};
}

}  // namespace mdp::equivalence
