// equivalence/shaped_cost.hpp — the cost of T4, in twice the precision (internal to the room).
#pragma once

#include <span>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/two_double.hpp"

namespace mdp::equivalence {

/// L^ = B + Phi(s) - gamma^ E_rho^[Phi'(s')], and the number that was subtracted.
struct ShapedCost {
  Buffer<double> cost, tail;  ///< [n_rows] +inf where B or Phi(s) is, and where the model may reach Phi' = inf
  Buffer<double> subtracted;  ///< [n_rows] gamma^ E_rho^[Phi']; 0 where the cost is infinite
};

/// Built as  B + (1 - gamma^) Phi(s) - gamma^ E_rho^[Phi'(s') - Phi(s)],  centred at the state (T4', "Numerical care").
/// \param slack  [n_rows] B; \param own  [n_states] Phi, of the stage; \param next  [n_states] Phi', of the next stage (Phi itself
///               for a stationary cost). +inf allowed, NaN and -inf not.
/// Error at most shaped_cost_error(). One pass over the transitions.
[[nodiscard]] ShapedCost shaped_cost(const Mdp& model, std::span<const TwoDouble> slack, std::span<const TwoDouble> own,
                                     std::span<const TwoDouble> next, int threads);

/// Bound on the rounding of every finite entry, for |B|, |Phi|, |Phi'| <= size: their sums are at most 6 size, four more operations.
[[nodiscard]] double shaped_cost_error(const Mdp& model, double size);

}  // namespace mdp::equivalence
