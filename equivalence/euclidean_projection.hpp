// equivalence/euclidean_projection.hpp — least squares on simplex and hyperplane (internal to the room).
#pragma once

#include <cstddef>
#include <span>

#include "equivalence/row_solution.hpp"

namespace mdp::equivalence {

/// minimise sum (p - r)^2 subject to sum p = 1, sum p x = 0, p >= 0 (section 3 of the theory, l2).
///
/// p = max(0, r + nu + lambda x). For a fixed lambda the mass is an increasing convex piecewise-linear function of nu, its
/// root found by Newton's method from above, which ends at the exact active set (Michelot, 1986); E_p[x] then increases
/// piecewise linearly with lambda, and Newton's method in a bracket finds its root. The equations of the last active set are
/// solved once more for the residuals that rounding left.
class EuclideanProjection {
 public:
  /// \param r  [n] >= 0
  /// \param x  [n] within [-1, 1] or +inf (p = 0 there)
  /// \param has_moment  false: without the equation, lambda = 0
  /// Returns divergence = sqrt(sum (p - r)^2), its multiplier and its duality gap.
  RowSolution operator()(std::span<const double> r, std::span<const double> x, bool has_moment, std::span<double> p);

 private:
  /// Over the active set {p > 0}: E_p[x], and its derivative by lambda.
  struct Moment {
    double mean;
    double slope;
  };
  /// p for lambda, its mass 1; nu_ is set.
  Moment at(double lambda);
  Moment end_of(double lambda);
  double root();
  void refine();

  std::span<const double> r_, x_;
  std::span<double> p_;
  double nu_ = 0.0;
};

}  // namespace mdp::equivalence
