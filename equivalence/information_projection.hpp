// equivalence/information_projection.hpp — the distribution nearest r in KL that meets one moment equation (internal to the room).
#pragma once

#include <span>
#include <vector>

#include "equivalence/row_solution.hpp"

namespace mdp::equivalence {

/// minimise KL(p || r) subject to sum p = 1, sum p_i x_i = 0, p = 0 where x = +inf (Csiszar, 1975; T6).
///
/// Solution  p = r e^{lambda x} / Z  with the root lambda of
///     h(lambda) = log S+ - log S-,  S+ = sum_{x>0} r x e^{lambda x},  S- = sum_{x<0} r |x| e^{lambda x}.
/// h' = E+[x] + E-[|x|] (averages under the terms of S+ and S-) lies in [g, G], g = min x+ + min |x-|,
/// G = max x+ + max |x-|, so that |h(0)|/G <= |lambda| <= |h(0)|/g: Newton's method inside this bracket. Sums are
/// those of logarithms, so that no size of x over- or underflows; a last step in p itself takes away what the rounding
/// of lambda left.
///
/// Scratch memory is kept from call to call; one object per thread.
class InformationProjection {
 public:
  /// \param r  [n] reference, > 0 where x is finite, sums to 1 but for rounding
  /// \param x  [n] V_i - tau within [-1, 1], or +inf outside D; some < 0, some > 0
  /// \param p  [n] written; sums to 1 but for rounding
  /// Cost: some ten passes over the row, an exponential per entry; two or three steps on average, 200 at most.
  RowSolution operator()(std::span<const double> r, std::span<const double> x, std::span<double> p);

 private:
  /// log S and |d log S / d lambda| for one sign of x; size of the numbers that the largest exponent is the sum of.
  struct Moment {
    double log_sum;
    double mean;
    double size;
  };
  /// h, h' and the rounding error to expect in h.
  struct Balance {
    double value;
    double slope;
    double noise;
  };
  [[nodiscard]] Moment moment(double lambda, bool positive) const;
  [[nodiscard]] Balance balance(double lambda) const;
  [[nodiscard]] double root() const;
  void set_exponential(std::span<const double> r, double lambda, double log_partition, std::span<double> p) const;
  void refine(std::span<double> p) const;

  std::vector<double> x_;           // x; 0 outside D
  std::vector<double> log_weight_;  // log(r |x|)
  std::vector<double> log_r_;       // log r, -inf outside D
};

}  // namespace mdp::equivalence
