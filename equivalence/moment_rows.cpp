#include "equivalence/moment_rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "equivalence/shift_weight.hpp"

namespace mdp::equivalence {
namespace {

// A target beyond the doubles (gamma/gamma^ huge) is infeasible all the same.
TwoDouble clamped(TwoDouble target) {
  constexpr double limit = std::numeric_limits<double>::max() / 8.0;
  if (std::abs(target.hi) <= limit) return target;
  return target.hi > 0.0 ? limit : -limit;
}

// x / 0: no target but that of x = 0 is met.
double over_zero(TwoDouble x) { return x.hi > 0.0 ? infinity : x.hi < 0.0 ? -infinity : 0.0; }

RowProjection projection_of(const MomentEquations& eq) {
  if (eq.divergence != Divergence::wasserstein) return RowProjection(eq.divergence, nullptr, eq.direction, eq.seed);
  const GroundDistance ground = eq.metric != nullptr ? GroundDistance(*eq.metric) : GroundDistance(*eq.graph);
  return RowProjection(eq.divergence, &ground);
}

}  // namespace

MomentRows::MomentRows(const MomentEquations& equations, double shift)
    : eq_(equations),
      shift_(shift),
      world_rows_(equations.world),
      support_(equations.support, equations.world, equations.reference, equations.graph,
               stays_in_reference(equations.divergence)),
      projection_(projection_of(equations)),
      gamma_(equations.world.exact_discount().value),
      gamma_model_(equations.discount.value) {
  if (gamma_model_.hi == 0.0) return;
  ratio_ = gamma_ / gamma_model_;
  ratio_minus_one_ = (gamma_ - gamma_model_) / gamma_model_;  // exactly 0 for equal discounts
  shift_term_ = shift_weight(eq_.discount) * shift / gamma_model_;
}

void MomentRows::set(State s, Offset row) {
  row_ = row;
  support_.set(s, row);
  shifts_ = {};
  low_ = infinity, high_ = -infinity;
  target_ = not_computed;
  const bool has_cost = eq_.world.cost()[static_cast<std::size_t>(row)] < infinity;
  const double own = eq_.values[static_cast<std::size_t>(s)];
  has_equation_ = own < infinity && has_cost && !(gamma_.hi > 0.0 && world_rows_.reaches_infinity(row, eq_.values));
  if (!has_equation_) return;
  own_ = own;  // finite, as the pair's Q is
  const TwoDouble drift = gamma_.hi > 0.0 ? world_rows_.expectation(row, eq_.values, own_) : TwoDouble(0.0);
  moment_ = gamma_ * (own_ + drift);
  // tau - V(s) = (gamma/gamma^) E_rho[V - V(s)] + (gamma/gamma^ - 1) V(s) + c (1 - gamma^)/gamma^
  offset_ = clamped(ratio_ * drift + ratio_minus_one_ * own_ + shift_term_);
  target_ = gamma_model_.hi > 0.0 ? (own_ + offset_).value() : over_zero(moment_ + shift_);
  set_values();
  shifts_ = {infinity, -infinity};
  if (low_ > high_) return;  // no successor is allowed
  const TwoDouble weight = shift_weight(eq_.discount);
  shifts_ = {((gamma_model_ * low_ - moment_) / weight).value(), ((gamma_model_ * high_ - moment_) / weight).value()};
}

// x = (V - V(s)) - (tau - V(s)) on D.
void MomentRows::set_values() {
  const std::size_t n = support_.states.size();
  double largest = std::abs((own_ + offset_).hi);
  x_.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double v = eq_.values[static_cast<std::size_t>(support_.states[i])];
    const bool inside = support_.allowed[i] != 0 && v < infinity;
    x_[i] = inside ? ((TwoDouble(v) - own_) - offset_).hi : infinity;
    if (!inside) continue;
    largest = std::max(largest, std::abs(v));
    if (support_.r[i] == 0.0 && stays_in_reference(eq_.divergence)) continue;
    low_ = std::min(low_, v);
    high_ = std::max(high_, v);
  }
  // V is rounded, and is V* up to the radius only: what is as small as that does not decide feasibility.
  tie_ = 4.0 * unit_roundoff * largest;
  slack_ = tie_ + (1.0 + ratio_.hi) * eq_.radius * (1.0 + 8.0 * unit_roundoff);
}

Projection MomentRows::project(std::span<double> p) {
  const std::span<const double> r = support_.r;
  if (!has_equation_ || gamma_model_.hi == 0.0) {
    std::copy(r.begin(), r.end(), p.begin());
    if (has_equation_) return without_future();
    return {RowOutcome::unbounded, 0.0, 0.0, 0.0};
  }
  Projection result = projection_({support_.states, r, x_, tie_, slack_, row_}, p);
  if (eq_.divergence == Divergence::likelihood && !eq_.counts.empty()) {
    const double count = eq_.counts[static_cast<std::size_t>(row_)];
    for (double* number : {&result.multiplier, &result.divergence, &result.duality_gap}) {
      if (std::abs(*number) < infinity) *number *= count;
    }
  }
  return result;
}

std::optional<RowPolytope> MomentRows::polytope() const {
  if (!has_equation_ || gamma_model_.hi == 0.0) return {};
  return RowPolytope(x_, tie_, slack_);
}

// gamma^ = 0: any row will do if gamma E_rho[V] + c is 0, and none otherwise.
Projection MomentRows::without_future() const {
  const double miss = std::abs((moment_ + TwoDouble(shift_)).hi);
  const double size = std::max(std::abs(moment_.hi), std::abs(shift_));
  const double slack = (eq_.radius + 4.0 * unit_roundoff * size) * (1.0 + 8.0 * unit_roundoff);
  if (miss <= slack) return {RowOutcome::kept, 0.0, 0.0, 0.0};
  return {RowOutcome::infeasible, not_computed, infinity, 0.0};
}

double MomentRows::residual(std::span<const double> p) const {
  if (!has_equation_ || gamma_model_.hi == 0.0) return 0.0;
  TwoDouble mean;
  TwoDouble mass;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (p[i] > 0.0 && x_[i] < infinity) mean = mean + two_product(p[i], x_[i]);
    mass = mass + TwoDouble(p[i]);
  }
  return (mean / mass).hi;
}

}  // namespace mdp::equivalence
