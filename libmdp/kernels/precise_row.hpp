// libmdp/kernels/precise_row.hpp — q of a row of the MDP meant, in twice the precision.
#pragma once

#include "libmdp/mdp.hpp"
#include "libmdp/two_double.hpp"

namespace mdp::kernels {

/// q(row) = (c + c_tail) + gamma * N / S,  N = sum_k (p_k + tail_k) V_k,  S = sum_k (p_k + tail_k), successors
/// ascending; the quotient is taken as N - N (S - 1)/S, the correction in double (S - 1 is of the size of rounding).
struct PreciseRow {
  const Mdp& mdp;
  const TwoDouble* v;  ///< [n_states] |lo| <= ulp(hi)/2; +inf allowed
  const Offset* begin = mdp.row_begin().data();
  const State* next = mdp.next_state().data();
  const double* p = mdp.probability().data();
  const double* p_tail = mdp.probability_tail().empty() ? nullptr : mdp.probability_tail().data();
  const double* cost = mdp.cost().data();
  const double* cost_tail = mdp.cost_tail().empty() ? nullptr : mdp.cost_tail().data();
  TwoDouble discount = mdp.exact_discount().value;

  /// N / S of the row; +inf if a successor's value is.
  [[nodiscard]] TwoDouble expectation(Offset row) const {
    TwoDouble sum;
    TwoDouble mass;
    for (Offset k = begin[row]; k < begin[row + 1]; ++k) {
      const TwoDouble value = v[next[k]];
      if (value.hi == infinity) return infinity;
      if (p_tail == nullptr) {
        sum = sum + value * p[k];
        mass = mass + TwoDouble(p[k]);
      } else {
        const TwoDouble meant = quick_two_sum(p[k], p_tail[k]);
        sum = sum + value * meant;
        mass = mass + meant;
      }
    }
    const double defect = (mass + TwoDouble(-1.0)).hi;
    return sum + TwoDouble(-(sum.hi * (defect / mass.hi)));
  }

  /// +inf if the cost is, or (discount > 0) a successor's value.
  [[nodiscard]] TwoDouble q(Offset row) const {
    if (cost[row] == infinity) return infinity;
    const TwoDouble own = cost_tail == nullptr ? TwoDouble(cost[row]) : quick_two_sum(cost[row], cost_tail[row]);
    if (!(discount.hi > 0.0)) return own;
    const TwoDouble expected = expectation(row);
    return expected.hi == infinity ? TwoDouble(infinity) : own + discount * expected;
  }
};

}  // namespace mdp::kernels
