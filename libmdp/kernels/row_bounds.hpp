// libmdp/kernels/row_bounds.hpp — Q of every row from bounds on V, rounded outward.
#pragma once

#include <span>

#include "libmdp/mdp.hpp"

namespace mdp::kernels {

/// q[row] <= L + gamma P V* of the MDP meant wherever v <= V*; with `up`, >= wherever v >= V*. Evaluated by PreciseRow in
/// twice the precision, moved outward by row_gap_error() + `more`, rounded outward. A row of infinite cost is +inf; else a
/// successor (gamma > 0) at -inf makes a lower bound -inf, one at +inf an upper bound +inf, whatever the others are.
/// \param v     [n_states] -inf and +inf allowed, no NaN
/// \param more  >= 0: what is not known of the entries, see row_gap_error()
/// \param q     [n_rows], written
/// Traffic as row_gaps().
void row_bounds(const Mdp& mdp, std::span<const double> v, bool up, double more, std::span<double> q, int threads = 0);

}  // namespace mdp::kernels
