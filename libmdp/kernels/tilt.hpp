// libmdp/kernels/tilt.hpp — exponential tilting of many short rows at once: r e^{lambda x} with mean 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

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
struct alignas(64) TiltBatch {
  static constexpr std::size_t lanes = 8;
  static constexpr std::size_t max_length = 64;
  static constexpr std::size_t side_by_side = 4;  ///< batches of one call
  struct alignas(64) PerRow {
    double lane[lanes];
    double& operator[](std::size_t l) { return lane[l]; }
    const double& operator[](std::size_t l) const { return lane[l]; }
  };

  TwoDouble ratio = 1.0, ratio_minus_one = 0.0, shift = 0.0;
  std::size_t length = 0, world_length = 0;  ///< of the longest rows

  /// One of each row: what is worked on together stands together.
  struct Entry {
    PerRow r, value;            ///< reference and V, finite
    PerRow world, world_value;  ///< the world's row and V, finite
    PerRow p;                   ///< result
    PerRow x;                   ///< V - tau
  };
  Entry entry[max_length];

  PerRow own{};  ///< any finite number, e.g. V of the row's state

  PerRow multiplier{};   ///< lambda
  PerRow divergence{};   ///< KL(p || r) in nats
  PerRow gap{};          ///< divergence + log sum r e^{lambda x}
  PerRow residual{};     ///< sum p x, p of mass 1
  PerRow low{}, high{};  ///< least and largest x where r > 0, with 0 put between them
  enum class End : std::int64_t { unsolved, kept, solved };
  End end[lanes]{};
};

/// Lanes that this machine works on at once: 8, 4 or 2.
[[nodiscard]] std::size_t lanes_at_once() noexcept;

/// For every row of up to TiltBatch::side_by_side batches (some may be empty, of length 0): the information projection
/// p = r e^{lambda x} / Z with sum p x = 0. x is computed in twice the precision, as kernels::AccurateRow would, and rounded.
/// lambda comes from Halley's method on
///     h(lambda) = log sum_{x>0} p x - log sum_{x<0} p |x|,
/// (nearly linear in lambda, see equivalence/information_projection.hpp), with weights and logarithms to a few digits: a first step
/// from r, a second one from r e^{lambda x}, more where that was not enough. Then r e^{lambda x} is computed to the last digits,
/// and two small steps, of third and second order, are multiplied into it, the first by a short polynomial, the second as 1 + eta x.
/// kept: |sum r x| <= 4 2^-53 sum r |x|, p = r to the bit. solved: some x below and some above `tie` = 4 2^-53 (|tau| + max |x|),
/// |lambda x| <= 600, and the very p that is returned has |sum p x| <= 4 2^-53 sum p |x|. What is unsolved is left to a method
/// with a bracket.
///
/// Batches go side by side since each operation on one waits for the one before it. The same bits for any number of lanes at once
/// (2, or what lanes_at_once() says and less).
/// Traffic: the batches. Arithmetic per entry: some 100 sums and products, and two exponentials, one of them short.
void tilt(std::span<TiltBatch> batches, std::size_t at_once = lanes_at_once());

}  // namespace mdp::kernels
