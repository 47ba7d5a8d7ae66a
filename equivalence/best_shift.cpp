#include "equivalence/best_shift.hpp"

#include <algorithm>
#include <cmath>

#include "equivalence/few_point_shift.hpp"
#include "equivalence/shift_weight.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::equivalence {
namespace {

// Calls row(rows) for every row of a range of states, its equation set up.
template <class F>
void each_row(const Mdp& world, MomentRows& rows, State first, State last, F&& row_is_set) {
  for (State s = first; s < last; ++s) {
    const Offset begin = world.state_rows()[static_cast<std::size_t>(s)];
    for (Offset row = begin; row < begin + world.n_actions(s); ++row) {
      rows.set(s, row);
      row_is_set();
    }
  }
}

// F and F' at c.
struct Tangent {
  double shift = 0.0;
  double value = 0.0;
  double slope = 0.0;  ///< +-inf at an end of the interval
};

Tangent tangent_at(const MomentEquations& eq, double shift, int threads) {
  struct Sums {
    TwoDouble divergence, multiplier;
    double infinite = 0.0;
  };
  const auto in_block = [&](State first, State last) {
    MomentRows rows(eq, shift);
    std::vector<double> p;
    Sums sums;
    each_row(eq.world, rows, first, last, [&] {
      p.resize(rows.states().size());
      const Projection projection = rows.project(p);
      if (projection.divergence < infinity) sums.divergence = sums.divergence + TwoDouble(projection.divergence);
      if (std::abs(projection.multiplier) < infinity)
        sums.multiplier = sums.multiplier + TwoDouble(projection.multiplier);
      if (std::abs(projection.multiplier) == infinity) sums.infinite = projection.multiplier;
    });
    return sums;
  };
  const auto add = [](const Sums& a, const Sums& b) {
    return Sums{a.divergence + b.divergence, a.multiplier + b.multiplier, a.infinite != 0.0 ? a.infinite : b.infinite};
  };
  const Sums all = kernels::reduce_states(eq.reference.blocks(), threads, Sums{}, in_block, add);
  const double factor = (shift_weight(eq.discount) / eq.discount.value).hi;  // dtau/dc
  return {shift, all.divergence.value(), all.infinite != 0.0 ? all.infinite : factor * all.multiplier.value()};
}

bool is_finite(const Tangent& tangent) { return std::abs(tangent.slope) < infinity; }

// A convex function lies above its tangents: the least that they allow between `low` and `high`.
double lower_bound(const Tangent& low, const Tangent& high) {
  const double width = high.shift - low.shift;
  if (!is_finite(low)) return high.value - high.slope * width;
  if (!is_finite(high)) return low.value + low.slope * width;
  if (low.slope == high.slope) return std::min(low.value, high.value);
  const double meet = (high.value - low.value - high.slope * width) / (low.slope - high.slope);
  return low.value + low.slope * std::clamp(meet, 0.0, width);
}

}  // namespace

ShiftInterval shift_interval(const MomentEquations& eq, bool certified, int threads) {
  const auto in_block = [&](State first, State last) {
    MomentRows rows(eq);
    bounds::Interval range;
    each_row(eq.world, rows, first, last, [&] {
      range = {std::max(range.lower, rows.shifts().lower), std::min(range.upper, rows.shifts().upper)};
    });
    return range;
  };
  const auto meet = [](const bounds::Interval& a, const bounds::Interval& b) {
    return bounds::Interval{std::max(a.lower, b.lower), std::min(a.upper, b.upper)};
  };
  return with_error(eq, kernels::reduce_states(eq.reference.blocks(), threads, bounds::Interval{}, in_block, meet),
                    certified);
}

ShiftInterval with_error(const MomentEquations& eq, const bounds::Interval& range, bool certified) {
  ShiftInterval result;
  result.range = range;
  if (!certified) return result;
  double largest = 0.0;
  for (const double v : eq.values) largest = v < infinity ? std::max(largest, std::abs(v)) : largest;
  const double gammas = eq.world.discount() + eq.discount.value.hi;
  const double weight = bounds::round_down(shift_weight(eq.discount).hi);
  const double error = bounds::round_up(gammas * eq.radius + 8.0 * unit_roundoff * largest) * (1.0 + 0x1p-40);
  result.error = bounds::round_up(error / weight);
  return result;
}

BestShift best_shift(const MomentEquations& eq, const ShiftInterval& interval, int threads) {
  Tangent low{interval.range.lower, infinity, -infinity};
  Tangent high{interval.range.upper, infinity, infinity};
  const double width = high.shift - low.shift;
  if (!(std::abs(width) < infinity)) return {0.0, 0.0};  // nothing depends on c
  if (!(width > 2.0 * interval.error)) return {0.5 * low.shift + 0.5 * high.shift, not_computed};
  if (eq.discount.value.hi == 0.0) return {0.5 * low.shift + 0.5 * high.shift, 0.0};  // the reference is kept

  if (!is_convex(eq.divergence)) return few_point_shift(eq, interval);

  Tangent best = tangent_at(eq, low.shift < 0.0 && high.shift > 0.0 ? 0.0 : low.shift + 0.5 * width, threads);
  Tangent next = best;
  double weight_low = 1.0, weight_high = 1.0;  // Illinois: an end that stays twice counts half
  constexpr int max_steps = 100;
  for (int step = 0; step < max_steps && next.slope != 0.0; ++step) {
    const bool falls = next.slope < 0.0;
    (falls ? low : high) = next;
    weight_low = falls ? 1.0 : 0.5 * weight_low;
    weight_high = falls ? 0.5 * weight_high : 1.0;
    if (best.value - lower_bound(low, high) <= 1e-15 * best.value) break;
    const double a = weight_low * low.slope, b = weight_high * high.slope;
    const bool interpolates = is_finite(low) && is_finite(high) && step % 4 != 3;
    const double c = low.shift + (high.shift - low.shift) * (interpolates ? a / (a - b) : 0.5);
    if (!(c > low.shift && c < high.shift)) break;
    next = tangent_at(eq, c, threads);
    if (next.value < best.value) best = next;
  }
  if (next.slope == 0.0) return {next.shift, 0.0};
  return {best.shift, std::max(0.0, best.value - lower_bound(low, high))};
}

}  // namespace mdp::equivalence
