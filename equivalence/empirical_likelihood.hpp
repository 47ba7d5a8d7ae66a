// equivalence/empirical_likelihood.hpp — the row under which data with frequencies r are most likely (internal to the room).
#pragma once

#include <span>
#include <vector>

#include "equivalence/row_solution.hpp"

namespace mdp::equivalence {

/// minimise KL(r || p) = sum r log(r/p) subject to sum p = 1, sum p x = 0, p = 0 where x = +inf (Owen, 2001; section 3 of
/// the theory, likelihood).
///
/// p = r / (1 + mu x) where r > 0, mu in [-1/b, 1/a], -a = min_D x < 0 < b = max_D x: 1 + mu x >= 0 on all of D, seen or
/// not. Inside, mu is the root of f(mu) = sum r x / (1 + mu x). Where f keeps its sign up to an end that no seen state makes
/// a pole, mu is that end and the missing mass mu f(mu) goes to the lowest unseen state that sets the end.
///
/// With mu = -1/b + sigma (1/a + 1/b) and sigma = 1/(1 + e^-theta):
///     1 + mu x = (x + a) sigma / a + (b - x) (1 - sigma) / b,
/// a sum of terms >= 0, so that nothing cancels next to the poles; h = log sum_{x>0} r x/(1 + mu x) - log sum_{x<0} r |x|/(1 +
/// mu x) decreases in theta and is nearly linear there: Newton's method in a bracket.
///
/// The gap is that of weak duality: KL(r || p) >= sum r log(1 + mu x) for every such mu (concavity of the logarithm).
class EmpiricalLikelihood {
 public:
  /// \param r  [n] >= 0, sums to 1 but for rounding, 0 where x = +inf
  /// \param x  [n] within [-1, 1] or +inf; some < 0, some > 0
  RowSolution operator()(std::span<const double> r, std::span<const double> x, std::span<double> p);

 private:
  struct Balance {
    double value, slope;
  };
  void set_weights(std::span<const double> x, double sigma, double complement);
  [[nodiscard]] Balance balance(std::span<const double> r, std::span<const double> x, double theta);
  [[nodiscard]] double root(std::span<const double> r, std::span<const double> x);
  /// Whether mu at the end where 1 + mu x vanishes at `extreme` solves the row; if so, p is set.
  bool end_solves(std::span<const double> r, std::span<const double> x, double extreme, std::span<double> p);
  void refine(std::span<const double> r, std::span<const double> x, std::span<double> p) const;

  double a_ = 0.0, b_ = 0.0;
  std::vector<double> weight_;  // 1 + mu x
};

}  // namespace mdp::equivalence
