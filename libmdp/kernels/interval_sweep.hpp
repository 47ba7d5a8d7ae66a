// libmdp/kernels/interval_sweep.hpp — lower and upper values of least cost until the goal, updated together.
#pragma once

#include <span>

#include "libmdp/mdp.hpp"

namespace mdp::kernels {

/// Bounds on least undiscounted cost: lower <= V* <= upper, improved in place.
struct IntervalSweep {
  std::span<double> lower;  ///< [n_states]
  std::span<double> upper;  ///< [n_states]
  /// [n_rows] 1 = may still be optimal; rows proved worse get 0. Empty: rows stay.
  std::span<char> active = {};
  double error = 0.0;     ///< bound on the rounding of  c + sum p v, and on what is not known of it
  double relative = 0.0;  ///< bound on the relative error of  sum_{j != s} p_j
};

/// lower(s) <- max(lower(s), least over the rows of q(lower) - its error), upper(s) <- min(upper(s), least of q(upper) +
/// its error), with  q(v) = (c + sum_{j != s} p_j v_j) / (sum_{j != s} p_j),  for the states of `order` in place, one after
/// the other: each update is right whatever the others are, since V* satisfies
/// V*(s) sum_{j != s} p_j  <=  c + sum_{j != s} p_j V*_j  on every row, with equality on the optimal ones.
/// Rows that never leave s are left out: they are not optimal where costs of staying are above 0.
/// A row whose q(lower) is above upper(s) is not optimal (C4).
/// \return max over the states of the largest change. Traffic as one Bellman sweep.
double interval_sweep(const Mdp& mdp, std::span<const State> order, const IntervalSweep& sweep);

}  // namespace mdp::kernels
