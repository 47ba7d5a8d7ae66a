// equivalence/few_point_shift.hpp — the best shift of T7 for models of one or two successors a row (internal to the room).
#pragma once

#include "equivalence/best_shift.hpp"

namespace mdp::equivalence {

/// The c in the interval that minimises F(c) = sum of the divergences, which is not convex for these. tau is affine in c, so that
/// successor j of a row has V*(j) = tau at one shift c_j, a *hit* (up to rounding), and F is known from the sorted hits of all rows:
///
/// - sparsest: a row has one successor at a hit and two elsewhere. The shift that most rows hit; of equals, the one nearest 0.
/// - deterministic: a row misses tau by (1 - gamma^)/gamma^ times the distance to its nearest hit, F is piecewise linear with its
///   minima at hits: slopes add up from left to right, +2 at hits, -2 half way between two of a row.
///
/// \throws InvalidOption for more than 5e7 hits. O(K log K) time and O(K) memory for K = sum |D| hits.
[[nodiscard]] BestShift few_point_shift(const MomentEquations& equations, const ShiftInterval& interval);

}  // namespace mdp::equivalence
