// equivalence/model_defect.hpp — how far a model is from having the world's Q* (T9).
#pragma once

#include <vector>

#include "equivalence/known_values.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::equivalence {

/// Delta of T9:  Delta = L^ + gamma^ P^ V* - Q*.
struct ModelDefect {
  std::vector<double> delta;  ///< [n_rows] at the given values; 0 where both Q are inf, +-inf where one is
  /// Encloses [min Delta, max Delta] over the states with finite V*, for the true V*; infinite if approximate, or if
  /// the model goes where V* is infinite and its own V^* is not.
  bounds::Interval range;
  double epsilon = not_computed;  ///< >= max |Delta| for the true V*; not_computed if approximate
  Offset row = -1;                ///< the pair of largest |delta|
  /// T9:  q_difference.lower <= Q^* - Q* <= q_difference.upper at every pair of states with finite V*,
  /// = range / (1 - gamma^); infinite if approximate or gamma^ = 1.
  bounds::Interval q_difference;
};

/// Sums in twice the precision; the enclosure of V* enters as (gamma^ P^ - gamma P)(V* - V), entry by entry, so that
/// what world and model have in common does not widen the bounds.
/// \throws InvalidArgument if the shapes differ or values do not fit. Cost: one pass over the transitions of each.
[[nodiscard]] ModelDefect model_defect(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                                       int threads = 0);

/// What a defect says of  Q^* = Q* + c  (T7): T9 about V* + c, where  L^ + gamma^ P^ (V* + c) - (Q* + c) = Delta - c (1 - gamma^).
struct ShiftedDefect {
  double epsilon = not_computed;        ///< >= max |Delta - c (1 - gamma^)|
  double q_error_bound = not_computed;  ///< >= max |Q^* - Q* - c|; not_computed if gamma^ = 1
};

/// \param discount  gamma^.  not_computed throughout if the defect is approximate.
[[nodiscard]] ShiftedDefect about_shift(const ModelDefect& defect, const Discount& discount, double shift);

}  // namespace mdp::equivalence
