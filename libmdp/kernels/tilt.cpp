#include "libmdp/kernels/tilt.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "libmdp/types.hpp"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(MDP_NO_TARGET_CLONES)
#define MDP_TILT_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MDP_TILT_CLONES
#endif

#define MDP_INLINE __attribute__((always_inline)) inline

namespace mdp::kernels {
namespace {

constexpr std::size_t lanes = TiltBatch::lanes;

// One number per row, added and multiplied lane by lane: the compiler cuts it into the registers there are.
using Lanes = double __attribute__((vector_size(lanes * sizeof(double))));
using Bits = std::int64_t __attribute__((vector_size(lanes * sizeof(double))));

MDP_INLINE void load(const double* from, Lanes& v) { std::memcpy(&v, from, sizeof v); }
MDP_INLINE void store(const Lanes& v, double* to) { std::memcpy(to, &v, sizeof v); }
MDP_INLINE void size_of(const Lanes& v, Lanes& size) { size = v < 0.0 ? -v : v; }

// hi + lo per row; the algorithms of libmdp/two_double.hpp without a fused multiply-add.
struct TwoLanes {
  Lanes hi{}, lo{};
};

MDP_INLINE void two_sum(const Lanes& a, const Lanes& b, TwoLanes& sum) {
  const Lanes s = a + b;
  const Lanes t = s - a;
  sum.lo = (a - (s - t)) + (b - t);
  sum.hi = s;
}

// Dekker's product; exact for |a|, |b| < 2^996 without underflow.
MDP_INLINE void two_product(const Lanes& a, const Lanes& b, TwoLanes& product) {
  constexpr double splitter = 0x1p27 + 1.0;
  const Lanes ca = splitter * a, cb = splitter * b;
  const Lanes a1 = ca - (ca - a), b1 = cb - (cb - b);
  const Lanes a2 = a - a1, b2 = b - b1;
  product.hi = a * b;
  product.lo = ((a1 * b1 - product.hi) + a1 * b2 + a2 * b1) + a2 * b2;
}

// sum += a b, products and sums exact, their errors added up in plain doubles (Ogita, Rump and Oishi, 2005).
MDP_INLINE void add_product(const Lanes& a, const Lanes& b, TwoLanes& sum) {
  TwoLanes product, s;
  two_product(a, b, product);
  two_sum(sum.hi, product.hi, s);
  sum.hi = s.hi;
  sum.lo += s.lo + product.lo;
}

// factor * v + sum
MDP_INLINE void add_multiple(const TwoDouble& factor, const TwoLanes& v, TwoLanes& sum) {
  add_product(Lanes{} + factor.hi, v.hi, sum);
  sum.lo += factor.hi * v.lo + factor.lo * v.hi;
}

// Adding and subtracting 1.5 2^52 rounds to an integer, whose low bits are then those of the sum.
constexpr double to_integer = 0x1.8p52;
constexpr double ln2_high = 0x1.62e42feep-1;  // 33 bits
constexpr double ln2_low = 0x1.a39ef35793c76p-33;

// y is replaced by e^y.
MDP_INLINE void exponentiate(Lanes& y) {
  constexpr double log2_e = 0x1.71547652b82fep0;
  const Lanes z = y < -700.0 ? Lanes{} - 700.0 : y;
  const Lanes shifted = z * log2_e + to_integer;
  const Lanes k = shifted - to_integer;
  const Lanes f = (z - k * ln2_high) - k * ln2_low;
  Lanes sum = f * (1.0 / 6227020800.0) + 1.0 / 479001600.0;
  sum = sum * f + 1.0 / 39916800.0;
  sum = sum * f + 1.0 / 3628800.0;
  sum = sum * f + 1.0 / 362880.0;
  sum = sum * f + 1.0 / 40320.0;
  sum = sum * f + 1.0 / 5040.0;
  sum = sum * f + 1.0 / 720.0;
  sum = sum * f + 1.0 / 120.0;
  sum = sum * f + 1.0 / 24.0;
  sum = sum * f + 1.0 / 6.0;
  sum = sum * f + 0.5;
  sum = sum * f * f + f;
  const Lanes power = (Lanes)(((Bits)shifted << 52) + (std::int64_t{1023} << 52));
  y = y < -700.0 ? Lanes{} : (sum + 1.0) * power;
}

// y is replaced by e^y, |y| <= 2^-10: y^5/120 is below 2^-56.
MDP_INLINE void exponentiate_small(Lanes& y) { y = (((y * (1.0 / 24.0) + 1.0 / 6.0) * y + 0.5) * y * y + y) + 1.0; }

// y is replaced by log y.
MDP_INLINE void take_logarithm(Lanes& y) {
  // The exponent of y / sqrt(1/2): m = y 2^-k lies in [sqrt 1/2, sqrt 2).
  constexpr std::int64_t half_root = 0x3fe6a09e667f3bcdLL;
  const Bits bits = (Bits)y;
  const Bits exponent = (bits - half_root + (std::int64_t{1024} << 52)) >> 52;  // k + 1024
  const Lanes k = (Lanes)(exponent | std::bit_cast<std::int64_t>(0x1p52)) - (0x1p52 + 1024.0);
  const Lanes m = (Lanes)(bits - ((exponent - 1024) << 52));
  const Lanes s = (m - 1.0) / (m + 1.0);
  const Lanes q = s * s;
  Lanes sum = q * (1.0 / 23.0) + 1.0 / 21.0;
  for (const double n : {19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0}) sum = sum * q + 1.0 / n;
  y = k * ln2_high + (k * ln2_low + 2.0 * (s + s * q * sum));
}

// 1 + (t - 1) e^t = sum_{k>=2} t^k (k-1)/k!, for |t| <= 1/64 to 2^-53 of itself.
MDP_INLINE void entropy_series(const Lanes& t, Lanes& sum) {
  sum = t * (8.0 / 362880.0) + 7.0 / 40320.0;
  sum = sum * t + 6.0 / 5040.0;
  sum = sum * t + 5.0 / 720.0;
  sum = sum * t + 4.0 / 120.0;
  sum = sum * t + 3.0 / 24.0;
  sum = sum * t + 2.0 / 6.0;
  sum = sum * t + 0.5;
  sum = sum * t * t;
}

// tau - own of every row.
MDP_INLINE void offset_of(const TiltBatch& batch, const Lanes& own, TwoLanes& offset) {
  TwoLanes sum{}, mass{};
  for (std::size_t i = 0; i < batch.world_length; ++i) {
    Lanes p, v;
    load(batch.world.data() + i * lanes, p);
    load(batch.world_value.data() + i * lanes, v);
    TwoLanes d, m;
    two_sum(v, -own, d);
    add_product(p, d.hi, sum);
    sum.lo += p * d.lo;
    two_sum(mass.hi, p, m);
    mass.hi = m.hi;
    mass.lo += m.lo;
  }
  // The quotient and one Newton correction; exact where the mass is 1.
  TwoLanes drift, product;
  drift.hi = sum.hi / mass.hi;
  two_product(drift.hi, mass.hi, product);
  drift.lo = (((sum.hi - product.hi) - product.lo) + (sum.lo - drift.hi * mass.lo)) / mass.hi;
  offset = {Lanes{} + batch.shift.hi, Lanes{} + batch.shift.lo};
  add_multiple(batch.ratio, drift, offset);
  add_multiple(batch.ratio_minus_one, {own, Lanes{}}, offset);
  TwoLanes rounded;
  two_sum(offset.hi, offset.lo, rounded);
  offset = rounded;
}

// What the entries of the rows look like, p = r being set.
struct Range {
  Lanes low{}, high{}, largest{};
  Lanes tie{};
  TwoLanes moment{};
  Lanes absolute{};
};

MDP_INLINE void set_up(TiltBatch& batch, Range& range) {
  Lanes own, size;
  load(batch.own.data(), own);
  TwoLanes offset;
  offset_of(batch, own, offset);
  size_of(own + offset.hi, size);
  for (std::size_t i = 0; i < batch.length; ++i) {
    Lanes r, v, distance, magnitude;
    load(batch.r.data() + i * lanes, r);
    load(batch.value.data() + i * lanes, v);
    TwoLanes d, e;
    two_sum(v, -own, d);
    two_sum(d.hi, -offset.hi, e);
    const Lanes x = r > 0.0 ? e.hi + (e.lo + (d.lo - offset.lo)) : Lanes{};
    store(x, batch.x.data() + i * lanes);
    store(r, batch.p.data() + i * lanes);
    range.low = x < range.low ? x : range.low;
    range.high = x > range.high ? x : range.high;
    size_of(x, distance);
    size_of(v, magnitude);
    range.largest = distance > range.largest ? distance : range.largest;
    size = magnitude > size ? magnitude : size;
    add_product(r, x, range.moment);
    range.absolute += r * distance;
  }
  range.tie = 4.0 * unit_roundoff * size;
}

// h and its derivative for the p at hand.
MDP_INLINE void balance(const TiltBatch& batch, Lanes& h, Lanes& slope) {
  Lanes up{}, down{}, up_square{}, down_square{};
  for (std::size_t i = 0; i < batch.length; ++i) {
    Lanes x, p;
    load(batch.x.data() + i * lanes, x);
    load(batch.p.data() + i * lanes, p);
    const Lanes term = p * x;
    const Lanes square = term * x;
    up += x > 0.0 ? term : Lanes{};
    up_square += x > 0.0 ? square : Lanes{};
    down -= x > 0.0 ? Lanes{} : term;
    down_square += x > 0.0 ? Lanes{} : square;
  }
  h = up / down;
  take_logarithm(h);
  slope = up_square / up + down_square / down;
}

MDP_INLINE void conclude(TiltBatch& batch, const Lanes& lambda, const Lanes& size, const Range& range) {
  Lanes mass{};
  for (std::size_t i = 0; i < batch.length; ++i) {
    Lanes p;
    load(batch.p.data() + i * lanes, p);
    mass += p;
  }
  Lanes log_mass = mass, distance;
  take_logarithm(log_mass);
  const Lanes inverse = Lanes{} + 1.0 / mass;
  Lanes divergence{};
  TwoLanes moment{};
  for (std::size_t i = 0; i < batch.length; ++i) {
    Lanes r, x, p, series;
    load(batch.r.data() + i * lanes, r);
    load(batch.x.data() + i * lanes, x);
    load(batch.p.data() + i * lanes, p);
    p *= inverse;
    const Lanes t = lambda * x - log_mass;  // log(p/r)
    entropy_series(t, series);
    size_of(t, distance);
    divergence += distance <= 0x1p-6 ? r * series : (p * t - p) + r;
    add_product(p, x, moment);
    store(p, batch.p.data() + i * lanes);
  }
  store(range.low, batch.low.data());
  store(range.high, batch.high.data());
  store(lambda, batch.multiplier.data());
  store(divergence, batch.divergence.data());
  store(divergence + log_mass, batch.gap.data());
  store(moment.hi + moment.lo, batch.residual.data());
  size_of(range.moment.hi + range.moment.lo, distance);
  for (std::size_t l = 0; l < lanes; ++l) {
    const bool is_finite = range.largest[l] < 1e290 && range.tie[l] < 1e270;
    const bool is_inside = range.low[l] < -range.tie[l] && range.high[l] > range.tie[l];
    const bool is_balanced = size[l] <= 4.0 * unit_roundoff && mass[l] > 0.0 && mass[l] < infinity;
    const bool is_kept = distance[l] <= 4.0 * unit_roundoff * range.absolute[l];
    using End = TiltBatch::End;
    batch.end[l] = !is_finite                 ? End::unsolved
                   : is_kept                  ? End::kept
                   : is_inside && is_balanced ? End::solved
                                              : End::unsolved;
    if (!is_kept || !is_finite) continue;
    for (std::size_t i = 0; i < batch.length; ++i) batch.p[i * lanes + l] = batch.r[i * lanes + l];
    batch.multiplier[l] = batch.divergence[l] = batch.gap[l] = 0.0;
    batch.residual[l] = range.moment.hi[l] + range.moment.lo[l];
  }
}

MDP_TILT_CLONES
void tilt_rows(TiltBatch& batch) {
  Range range;
  set_up(batch, range);
  Lanes lambda{}, size{};
  constexpr int max_steps = 8;
  for (int step = 0;; ++step) {
    Lanes h, slope, reach;
    balance(batch, h, slope);
    size_of(h, size);
    Lanes eta = -h / slope;
    size_of(eta * range.largest, reach);
    // A comparison with NaN is false: rows with x of one sign stay where they are.
    eta = size > 4.0 * unit_roundoff ? eta : Lanes{};
    eta = reach <= 600.0 ? eta : Lanes{};
    double furthest = 0.0;
    for (std::size_t l = 0; l < lanes; ++l) furthest = eta[l] != 0.0 ? std::max(furthest, reach[l]) : furthest;
    if (step == max_steps || furthest == 0.0) break;
    lambda += eta;
    for (std::size_t i = 0; i < batch.length; ++i) {
      Lanes x, p;
      load(batch.x.data() + i * lanes, x);
      load(batch.p.data() + i * lanes, p);
      Lanes y = eta * x;
      if (furthest <= 0x1p-10) {
        exponentiate_small(y);
      } else {
        exponentiate(y);
      }
      store(p * y, batch.p.data() + i * lanes);
    }
  }
  conclude(batch, lambda, size, range);
}

}  // namespace

double portable_exp(double y) noexcept {
  Lanes v = Lanes{} + y;
  exponentiate(v);
  return v[0];
}

double portable_log(double y) noexcept {
  Lanes v = Lanes{} + y;
  take_logarithm(v);
  return v[0];
}

void tilt(TiltBatch& batch) { tilt_rows(batch); }

}  // namespace mdp::kernels
