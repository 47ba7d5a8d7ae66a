// libmdp/kernels/tilt.hpp — exponential tilting of many short rows at once: r e^{lambda x} with mean 0.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "libmdp/two_double.hpp"

namespace mdp::kernels {

/// e^y for |y| <= 700, 0 below: relative error at most 3 2^-53, the same bits on every machine (sums, products and fused ones).
/// Proof: y = k ln 2 + f with |f| <= 0.347, k ln 2 subtracted in two parts whose first is exact (k below 2^11, 33 bits of ln 2);
/// Taylor's polynomial of degree 13 leaves |f|^14/14! < 2^-57; its Horner sum 1 + f (...) rounds by at most u (1 + 0.42 (2 + ...)) < 2 u;
/// the scaling by 2^k is exact.
[[nodiscard]] double portable_exp(double y) noexcept;

/// log y for normal y > 0: |error| at most 3 2^-53 |log y| + 2^-54 |log y| next to 1, the same bits on every machine.
/// y = m 2^k, m in [sqrt 1/2, sqrt 2): log m = 2 atanh s, s = (m - 1)/(m + 1), |s| <= 0.172, its series to s^23.
[[nodiscard]] double portable_log(double y) noexcept;

/// Moment equations  sum p V = tau  of rows side by side, tau - own = ratio E_world[V - own] + (ratio - 1) own + shift: entry i of
/// row l stands at [i * lanes + l]; rows shorter than the longest end in zeros of r (of world) and V = own.
struct TiltBatch {
  static constexpr std::size_t lanes = 8;
  static constexpr std::size_t max_length = 64;
  using Column = std::array<double, max_length * lanes>;
  using PerRow = std::array<double, lanes>;

  TwoDouble ratio = 1.0, ratio_minus_one = 0.0, shift = 0.0;

  std::size_t length = 0, world_length = 0;  ///< of the longest rows
  Column r, value;                           ///< reference and V, finite
  Column world, world_value;                 ///< the world's row and V, finite
  PerRow own{};                              ///< any finite number, e.g. V of the row's state

  Column p;              ///< result
  Column x;              ///< V - tau
  PerRow multiplier{};   ///< lambda
  PerRow divergence{};   ///< KL(p || r) in nats
  PerRow gap{};          ///< divergence + log sum r e^{lambda x}
  PerRow residual{};     ///< sum p x, p of mass 1
  PerRow low{}, high{};  ///< least and largest x where r > 0, with 0 put between them
  enum class End : std::uint8_t { unsolved, kept, solved };
  std::array<End, lanes> end{};
};

/// For every row of two batches (the second may be empty, of length 0): the information projection p = r e^{lambda x} / Z with sum p x = 0, by Halley's method on
///     h(lambda) = log sum_{x>0} p x - log sum_{x<0} p |x|,
/// (nearly linear in lambda, see equivalence/information_projection.hpp), each step multiplying p by e^{eta x}. x is computed in
/// twice the precision, as kernels::AccurateRow would, and rounded.
/// kept: |sum r x| <= 4 2^-53 sum r |x|, p = r to the bit. solved: some x below and some above `tie` = 4 2^-53 max(|V|, |tau|), and the
/// very p that is returned has |sum p x| <= 4 2^-53 sum p |x|, within 8 steps of |eta x| <= 600. What is unsolved is left to a method
/// with a bracket.
///
/// Traffic: the batches. Arithmetic per entry: some 40 sums and products, and for each step one exponential and some ten
/// more; three steps on average.
void tilt(TiltBatch& first, TiltBatch& second);

}  // namespace mdp::kernels
