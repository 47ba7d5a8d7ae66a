// equivalence/best_shift.hpp — the shift of T7 with the nearest model (internal to the room).
#pragma once

#include "equivalence/equivalent_model.hpp"
#include "equivalence/moment_rows.hpp"

namespace mdp::equivalence {

/// The shifts for which all rows are feasible (T7). One pass over the transitions.
[[nodiscard]] ShiftInterval shift_interval(const MomentEquations& equations, bool certified, int threads);

/// An intersection of the intervals of all rows, with what is known of its error.
[[nodiscard]] ShiftInterval with_error(const MomentEquations& equations, const bounds::Interval& range, bool certified);

struct BestShift {
  double shift = 0.0;
  double suboptimality = not_computed;  ///< F(c) - min F <= this, F the sum of the divergences
};

/// The c in the interval that minimises F(c) = sum of the divergences: each is convex in tau (the value function of a convex
/// program in its right-hand side), tau is affine in c, so F is convex and F'(c) = (1 - gamma^)/gamma^ sum of the multipliers
/// changes its sign once. Regula falsi in a bracket (Illinois), every fourth step a bisection. Tangents at the two ends of the bracket bound
/// min F from below. Divergences that are not convex: few_point_shift().
[[nodiscard]] BestShift best_shift(const MomentEquations& equations, const ShiftInterval& interval, int threads);

}  // namespace mdp::equivalence
