// equivalence/chi_squared.hpp — the nearest row in Pearson's chi^2 (internal to the room).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "equivalence/row_solution.hpp"

namespace mdp::equivalence {

/// minimise sum (p - r)^2 / r subject to sum p = 1, sum p x = 0, p >= 0 (section 3 of the theory, chi^2).
///
/// p = r max(0, 1 + nu + lambda x): where sum r x < 0, lambda > 0 and the active set holds the largest x, those above
/// xi = -(1 + nu)/lambda. With x_n the lowest of them and xi = x_n - delta,
///     p = lambda r (x - x_n + delta),  delta = sum r (x - x_n) x / -sum r x,  lambda = 1 / sum r (x - x_n + delta),
/// without a difference that cancels. The active set grows from the top until xi is not below the next x.
/// sum r x > 0: the same for -x.
class ChiSquaredProjection {
 public:
  /// \param r  [n] > 0 where x is finite
  /// \param x  [n] within [-1, 1] or +inf (p = 0 there)
  /// Returns divergence = sum (p - r)^2 / r over all of supp r.  O(n log n).
  RowSolution operator()(std::span<const double> r, std::span<const double> x, std::span<double> p);

 private:
  std::vector<std::size_t> order_;
};

}  // namespace mdp::equivalence
