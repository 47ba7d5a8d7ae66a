// libmdp/bounds.hpp — proved bounds, with row-sum defect and rounding as arguments.
//
// "Bound" is only used for something proved; each function carries its proof line. All results are rounded
// outward. Statements C1–C3 are those of theory.md, section 1.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "libmdp/mdp.hpp"

namespace mdp::bounds {

/// lower <= x <= upper for the quantity it encloses.
struct Interval {
  double lower = -infinity;
  double upper = infinity;
};

/// Smallest and largest row sum of the transition matrix: 1 and 1 for an MDP as meant.
struct RowSums {
  double lower = 1.0;
  double upper = 1.0;
};

/// The next doubles outward. round_up(inf) is inf, round_down(inf) the largest double: inf may come from an overflow.
[[nodiscard]] inline double round_up(double x) noexcept {
  if (x == 0.0) return std::numeric_limits<double>::denorm_min();
  if (!(x < std::numeric_limits<double>::infinity())) return x;  // NaN too
  const auto bits = std::bit_cast<std::int64_t>(x);
  return std::bit_cast<double>(x > 0.0 ? bits + 1 : bits - 1);
}
[[nodiscard]] inline double round_down(double x) noexcept { return -round_up(-x); }

/// gamma_n = n u / (1 - n u), rounded up: relative error of n roundings (Higham, 2002, section 3.1).
[[nodiscard]] double rounding(Offset n) noexcept;

/// C1 (MacQueen): if d_lower <= TV - V <= d_upper everywhere on {V* < inf}, then
///     TV + result.lower <= V* <= TV + result.upper.
/// \param residual  enclosure of TV - V
/// \param discount  gamma and 1 - gamma; gamma * row_sums.upper < 1, else (-inf, inf)
/// \param row_sums  of the transition matrix
/// Proof: with policies greedy for V and optimal, V* - TV lies between sums of (gamma P)^k d, k >= 1, over
/// sub-matrices whose row sums lie in [gamma lower, gamma upper]; a non-negative d is largest under the
/// largest sums and smallest under the smallest, a negative one the other way round.
[[nodiscard]] Interval value_increment(Interval residual, const Discount& discount, RowSums row_sums = {});

/// The same around V:  V + result.lower <= V* <= V + result.upper, factor 1/(1 - gamma sigma).
[[nodiscard]] Interval value_increment_around_v(Interval residual, const Discount& discount, RowSums row_sums = {});

/// C2:  ||V - V*|| <= ||TV - V|| / (1 - gamma sigma).  Proof: (I - gamma P_pi)^-1 >= 0 with row sums at most
/// 1/(1 - gamma sigma).
[[nodiscard]] double value_error(double residual_norm, const Discount& discount, RowSums row_sums = {});

/// C3: if pi is greedy for Q and span >= max_s [max_a - min_a](Q - Q*)(s, .), then
///     0 <= V^pi - V* <= span / (1 - gamma).
/// Proof: A*(s, pi(s)) <= (Q* - Q)(s, pi) - (Q* - Q)(s, pi*) <= span, and V^pi - V* = R_pi A*_pi.
[[nodiscard]] double policy_loss(double q_error_span, const Discount& discount, RowSums row_sums = {});

/// Largest |fl(q(row)) - q(row)| over all rows, where fl(q) is what kernels::RowValue computes from stored doubles
/// for values with |V| <= values_max_abs, and q = L + gamma P V is that of the MDP meant, its rows summing
/// to 1 exactly. Rows with infinite cost, or with mass on states of infinite value, apart.
/// Proof: n products, n - 1 sums, one product and one sum give rounding(n + 2) (|c| + gamma sum p |V|); entries
/// differ by EntryError, gamma by u; 2^-1074 per operation covers underflow.
[[nodiscard]] double sweep_error(const Mdp& mdp, double values_max_abs);

/// Enclosure of the residual TV - V of the MDP meant, from what a sweep computed: the range widened by
/// sweep_error() and by the rounding of the subtraction.
[[nodiscard]] Interval residual_enclosure(double computed_min, double computed_max, double sweep_error);

}  // namespace mdp::bounds
