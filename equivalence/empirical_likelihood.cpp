#include "equivalence/empirical_likelihood.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "equivalence/relative_entropy.hpp"
#include "libmdp/two_double.hpp"
#include "libmdp/types.hpp"

namespace mdp::equivalence {
namespace {

double logistic(double theta) { return 1.0 / (1.0 + std::exp(-theta)); }

}  // namespace

void EmpiricalLikelihood::set_weights(std::span<const double> x, double sigma, double complement) {
  weight_.resize(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    weight_[i] = x[i] < infinity ? (x[i] + a_) * (sigma / a_) + (b_ - x[i]) * (complement / b_) : 0.0;
  }
}

EmpiricalLikelihood::Balance EmpiricalLikelihood::balance(std::span<const double> r, std::span<const double> x,
                                                          double theta) {
  const double sigma = logistic(theta);
  const double complement = logistic(-theta);
  set_weights(x, sigma, complement);
  const double rate = sigma * complement * (1.0 / a_ + 1.0 / b_);  // d mu / d theta
  double up = 0.0, down = 0.0, up_slope = 0.0, down_slope = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (r[i] == 0.0) continue;
    const double term = r[i] * std::abs(x[i]) / weight_[i];
    const double slope = term * std::abs(x[i]) / weight_[i];
    (x[i] > 0.0 ? up : down) += term;
    (x[i] > 0.0 ? up_slope : down_slope) += slope;
  }
  return {std::log(up) - std::log(down), -rate * (up_slope / up + down_slope / down)};
}

bool EmpiricalLikelihood::end_solves(std::span<const double> r, std::span<const double> x, double extreme,
                                     std::span<double> p) {
  const bool lower = extreme > 0.0;  // mu = -1/b, where 1 + mu x vanishes at x = b
  set_weights(x, lower ? 0.0 : 1.0, lower ? 1.0 : 0.0);
  std::size_t unseen = x.size();
  TwoDouble moment;
  for (std::size_t i = 0; i < x.size(); ++i) {
    p[i] = 0.0;
    if (x[i] == extreme) {
      if (r[i] > 0.0) return false;  // a pole
      unseen = std::min(unseen, i);
    } else if (r[i] > 0.0) {
      p[i] = r[i] / weight_[i];
      moment = moment + two_product(p[i], x[i]);
    }
  }
  if (lower ? moment.hi > 0.0 : moment.hi < 0.0) return false;
  p[unseen] = std::abs(moment.hi / extreme);  // |mu f(mu)|
  return true;
}

// h decreases from +inf or a positive number to a negative one; both ends were ruled out.
double EmpiricalLikelihood::root(std::span<const double> r, std::span<const double> x) {
  double low = -750.0, high = 750.0;  // beyond, sigma or its complement leaves the doubles
  double theta = std::log(a_ / b_);   // mu = 0
  double last_size = infinity;
  constexpr int max_steps = 200;
  for (int step = 0; step < max_steps; ++step) {
    const Balance h = balance(r, x, theta);
    if (std::abs(h.value) <= 2.0 * unit_roundoff) break;
    (h.value > 0.0 ? low : high) = theta;
    double next = theta - h.value / h.slope;
    if (!(next > low && next < high) || std::abs(h.value) > 0.5 * last_size) next = low + 0.5 * (high - low);
    if (next == low || next == high || next == theta) break;
    last_size = std::abs(h.value);
    theta = next;
  }
  return theta;
}

// Newton's step in mu taken in p itself: dp/dmu = -p x / (1 + mu x).
void EmpiricalLikelihood::refine(std::span<const double> r, std::span<const double> x, std::span<double> p) const {
  for (int step = 0; step < 3; ++step) {
    TwoDouble mean;
    double absolute = 0.0;
    double square = 0.0;
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (r[i] == 0.0) continue;
      mean = mean + two_product(p[i], x[i]);
      absolute += p[i] * std::abs(x[i]);
      square += p[i] * x[i] * x[i] / weight_[i];
    }
    if (std::abs(mean.hi) <= unit_roundoff * absolute || !(square > 0.0)) return;
    const double eta = mean.hi / square;
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (r[i] > 0.0) p[i] *= 1.0 - std::clamp(eta * x[i] / weight_[i], -0.5, 0.5);
    }
  }
}

RowSolution EmpiricalLikelihood::operator()(std::span<const double> r, std::span<const double> x, std::span<double> p) {
  a_ = b_ = 0.0;
  for (const double value : x) {
    if (value == infinity) continue;
    a_ = std::max(a_, -value);
    b_ = std::max(b_, value);
  }
  double mu = 0.0;
  if (end_solves(r, x, b_, p)) {
    mu = -1.0 / b_;
  } else if (end_solves(r, x, -a_, p)) {
    mu = 1.0 / a_;
  } else {
    const double theta = root(r, x);
    const double sigma = logistic(theta);
    const double complement = logistic(-theta);
    set_weights(x, sigma, complement);
    for (std::size_t i = 0; i < p.size(); ++i) p[i] = r[i] > 0.0 ? r[i] / weight_[i] : 0.0;
    refine(r, x, p);
    mu = sigma / a_ - complement / b_;
  }
  normalise(p);
  double dual = 0.0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (r[i] > 0.0) dual += r[i] * std::log(weight_[i]);
  }
  const double divergence = relative_entropy(r, p);
  return {-mu, divergence, divergence - dual};
}

}  // namespace mdp::equivalence
