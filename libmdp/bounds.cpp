#include "libmdp/bounds.hpp"

#include <algorithm>
#include <cmath>

namespace mdp::bounds {
namespace {

// Upper and lower bounds of 1 - gamma * sigma for sigma >= 0: (1 - gamma) + gamma (1 - sigma), so that a
// discount near 1 keeps the digits of its complement. Each operation is rounded outward.
double one_minus(const Discount& discount, double sigma, bool up) {
  const auto outward = [up](double x) { return up ? round_up(x) : round_down(x); };
  const double gap = 1.0 - sigma;  // exact for sigma in [1/2, 2] (Sterbenz), and rounded outward otherwise
  const double gap_outward = sigma >= 0.5 && sigma <= 2.0 ? gap : outward(gap);
  const double gamma = (gap_outward >= 0.0) == up ? round_up(discount.value.hi) : round_down(discount.value.hi);
  return outward(outward(discount.complement.hi) + (gap_outward == 0.0 ? 0.0 : outward(gamma * gap_outward)));
}

// d * numerator / (1 - gamma sigma), rounded up; numerator = gamma sigma, or 1 if around is set.
double scaled_up(double d, const Discount& discount, double sigma, bool around) {
  if (d == 0.0) return 0.0;
  const bool positive = d > 0.0;
  const double denominator = one_minus(discount, sigma, !positive);
  if (!(denominator > 0.0)) return positive ? infinity : 0.0;
  double numerator = 1.0;
  if (!around) {
    const double gamma = positive ? round_up(discount.value.hi) : std::max(0.0, round_down(discount.value.hi));
    if (discount.value.hi == 0.0) return 0.0;
    numerator = positive ? round_up(gamma * sigma) : round_down(gamma * sigma);
  }
  return round_up(round_up(d * numerator) / denominator);
}

Interval increment(Interval residual, const Discount& discount, RowSums row_sums, bool around) {
  if (!(one_minus(discount, row_sums.upper, false) > 0.0)) return {};
  const double up_sigma = residual.upper >= 0.0 ? row_sums.upper : row_sums.lower;
  const double low_sigma = residual.lower <= 0.0 ? row_sums.upper : row_sums.lower;
  return {-scaled_up(-residual.lower, discount, low_sigma, around),
          scaled_up(residual.upper, discount, up_sigma, around)};
}

}  // namespace

double rounding(Offset n) noexcept {
  const double nu = static_cast<double>(n) * unit_roundoff;
  return round_up(nu / (1.0 - nu));
}

Interval value_increment(Interval residual, const Discount& discount, RowSums row_sums) {
  return increment(residual, discount, row_sums, false);
}

Interval value_increment_around_v(Interval residual, const Discount& discount, RowSums row_sums) {
  return increment(residual, discount, row_sums, true);
}

double value_error(double residual_norm, const Discount& discount, RowSums row_sums) {
  return increment({-residual_norm, residual_norm}, discount, row_sums, true).upper;
}

double policy_loss(double q_error_span, const Discount& discount, RowSums row_sums) {
  return value_error(q_error_span, discount, row_sums);
}

double sweep_error(const Mdp& mdp, double values_max_abs) {
  const auto& entry = mdp.entry_error();
  const double n = static_cast<double>(mdp.max_row_length());
  const double c = mdp.max_abs_cost();
  const double relative = rounding(mdp.max_row_length() + 2) + entry.probability + 2.0 * unit_roundoff;
  // Second-order terms (row sums within the probability error of 1, products of errors) and the roundings of
  // this formula itself.
  const double inflate = 1.0 + 4.0 * relative + 16.0 * unit_roundoff;
  const double size = c + mdp.discount() * values_max_abs;
  const double underflow = (n + 4.0) * 0x1p-1074;
  return round_up((relative * size + entry.cost * c + entry.cost_absolute) * inflate + underflow);
}

Interval residual_enclosure(double computed_min, double computed_max, double sweep_error) {
  // fl(q - v) = (q - v)(1 + e), |e| <= u; a subtraction has no underflow error.
  const auto widened = [sweep_error](double d, bool up) {
    const double slack = round_up(sweep_error + round_up(std::abs(d) * (2.0 * unit_roundoff)));
    return up ? round_up(d + slack) : round_down(d - slack);
  };
  return {widened(computed_min, false), widened(computed_max, true)};
}

}  // namespace mdp::bounds
