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
// out = a b + c, rounded once: a fused multiply-add where there is one, the C library's elsewhere; the same bits.
MDP_INLINE void multiply_add(const Lanes& a, const Lanes& b, const Lanes& c, Lanes& out) {
  Lanes t;
  for (std::size_t l = 0; l < lanes; ++l) t[l] = __builtin_fma(a[l], b[l], c[l]);
  out = t;
}
// c in every lane; as a sum, Lanes{} + c, it would be carried out, for the sake of -0.
MDP_INLINE void fill(double c, Lanes& v) { v = Lanes{c, c, c, c, c, c, c, c}; }
MDP_INLINE void multiply_add(const Lanes& a, const Lanes& b, double c, Lanes& out) {
  Lanes v;
  fill(c, v);
  multiply_add(a, b, v, out);
}
MDP_INLINE void multiply_add(const Lanes& a, double b, const Lanes& c, Lanes& out) {
  Lanes v;
  fill(b, v);
  multiply_add(a, v, c, out);
}
MDP_INLINE void size_of(const Lanes& v, Lanes& size) { size = v < 0.0 ? -v : v; }

// Of numbers that are not NaN, by halves.
MDP_INLINE double largest_of(const Lanes& v) {
  const Lanes four = __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
  const Lanes a = v > four ? v : four;
  const Lanes two = __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5);
  const Lanes b = a > two ? a : two;
  const Lanes one = __builtin_shufflevector(b, b, 1, 0, 3, 2, 5, 4, 7, 6);
  const Lanes c = b > one ? b : one;
  return c[0];
}

// hi + lo per row; the algorithms of libmdp/two_double.hpp.
struct TwoLanes {
  Lanes hi{}, lo{};
};

MDP_INLINE void two_sum(const Lanes& a, const Lanes& b, TwoLanes& sum) {
  const Lanes s = a + b;
  const Lanes t = s - a;
  sum.lo = (a - (s - t)) + (b - t);
  sum.hi = s;
}

// a b exactly (no underflow).
MDP_INLINE void two_product(const Lanes& a, const Lanes& b, TwoLanes& product) {
  const Lanes hi = a * b;
  multiply_add(a, b, -hi, product.lo);
  product.hi = hi;
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
  Lanes high;
  fill(factor.hi, high);
  add_product(high, v.hi, sum);
  sum.lo += factor.hi * v.lo + factor.lo * v.hi;
}

// Adding and subtracting 1.5 2^52 rounds to an integer, whose low bits are then those of the sum.
constexpr double to_integer = 0x1.8p52;
constexpr double ln2_high = 0x1.62e42feep-1;  // 33 bits
constexpr double ln2_low = 0x1.a39ef35793c76p-33;

// sum = c_0 y^n + c_1 y^(n-1) + ... + c_n
template <std::size_t n>
MDP_INLINE void horner(const Lanes& y, const double (&coefficients)[n], Lanes& sum) {
  fill(coefficients[0], sum);
#pragma GCC unroll 16
  for (std::size_t k = 1; k < n; ++k) multiply_add(sum, y, coefficients[k], sum);
}

constexpr double exponential[] = {1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0,
                                  1.0 / 362880.0,     1.0 / 40320.0,     1.0 / 5040.0,     1.0 / 720.0,
                                  1.0 / 120.0,        1.0 / 24.0,        1.0 / 6.0,        0.5};
constexpr double logarithm[] = {2.0 / 23.0, 2.0 / 21.0, 2.0 / 19.0, 2.0 / 17.0, 2.0 / 15.0, 2.0 / 13.0,
                                2.0 / 11.0, 2.0 / 9.0,  2.0 / 7.0,  2.0 / 5.0,  2.0 / 3.0};
constexpr double entropy[] = {8.0 / 362880.0, 7.0 / 40320.0, 6.0 / 5040.0, 5.0 / 720.0,
                              4.0 / 120.0,    3.0 / 24.0,    2.0 / 6.0,    0.5};

// y is replaced by e^y.
MDP_INLINE void exponentiate(Lanes& y) {
  constexpr double log2_e = 0x1.71547652b82fep0;
  Lanes least, rounder, shifted, f, sum;
  fill(-700.0, least);
  fill(to_integer, rounder);
  const Lanes z = y < -700.0 ? least : y;
  multiply_add(z, log2_e, rounder, shifted);
  const Lanes k = shifted - to_integer;
  multiply_add(k, -ln2_high, z, f);
  multiply_add(k, -ln2_low, f, f);
  horner(f, exponential, sum);
  multiply_add(sum * f, f, f, sum);
  const Lanes power = (Lanes)(((Bits)shifted << 52) + (std::int64_t{1023} << 52));
  y = y < -700.0 ? Lanes{} : (sum + 1.0) * power;
}

// y is replaced by e^y, |y| <= 2^-10: y^5/120 is below 2^-56.
MDP_INLINE void exponentiate_small(Lanes& y) {
  Lanes sum;
  horner(y, {1.0 / 24.0, 1.0 / 6.0, 0.5}, sum);
  multiply_add(sum * y, y, y, sum);
  y = sum + 1.0;
}

// log(a/b) for positive normal a and b, with one division: a/b = m 2^k, m in [sqrt 1/2, sqrt 2], and
// log m = 2 atanh s, s = (a 2^-k - b)/(a 2^-k + b), the difference exact where m is close to 1 (Sterbenz).
MDP_INLINE void log_ratio(const Lanes& a, const Lanes& b, Lanes& y) {
  constexpr double root = 0x1.6a09e667f3bcdp0;
  Bits exponent = ((Bits)a - (Bits)b) >> 52;
  Lanes scaled = (Lanes)((Bits)a - (exponent << 52));  // between b/2 and 4b
  exponent = scaled > root * b ? exponent + 1 : exponent;
  scaled = scaled > root * b ? 0.5 * scaled : scaled;
  exponent = scaled > root * b ? exponent + 1 : exponent;
  scaled = scaled > root * b ? 0.5 * scaled : scaled;
  exponent = scaled * root < b ? exponent - 1 : exponent;
  scaled = scaled * root < b ? 2.0 * scaled : scaled;
  const Lanes k = (Lanes)((exponent + 4096) | std::bit_cast<std::int64_t>(0x1p52)) - (0x1p52 + 4096.0);
  const Lanes s = (scaled - b) / (scaled + b);
  const Lanes q = s * s;
  Lanes sum;
  horner(q, logarithm, sum);
  multiply_add(s * q, sum, 2.0 * s, sum);
  multiply_add(k, ln2_low, sum, sum);
  multiply_add(k, ln2_high, sum, y);
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
  fill(batch.shift.hi, offset.hi);
  fill(batch.shift.lo, offset.lo);
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

// Halley's step for h at the p at hand; size = |h|.
MDP_INLINE void next_step(const TiltBatch& batch, Lanes& eta, Lanes& size) {
  Lanes up[3]{}, down[3]{};  // sums of p |x|, p x^2, p |x|^3 over x > 0 and x < 0
  for (std::size_t i = 0; i < batch.length; ++i) {
    Lanes x, p;
    load(batch.x.data() + i * lanes, x);
    load(batch.p.data() + i * lanes, p);
    const Lanes above = x > 0.0 ? x : Lanes{};
    const Lanes below = above - x;
    multiply_add(p, above, up[0], up[0]);
    multiply_add(p * above, above, up[1], up[1]);
    multiply_add(p * above * above, above, up[2], up[2]);
    multiply_add(p, below, down[0], down[0]);
    multiply_add(p * below, below, down[1], down[1]);
    multiply_add(p * below * below, below, down[2], down[2]);
  }
  Lanes h;
  log_ratio(up[0], down[0], h);
  size_of(h, size);
  // With h' = s/(u d) and h'' = b/(u d)^2 the step -2 h h'/(2 h'^2 - h h'') is -2 h s u d / (2 s^2 - h b).
  const Lanes both = up[0] * down[0];
  const Lanes slope = up[1] * down[0] + down[1] * up[0];
  const Lanes bend =
      (up[2] * up[0] - up[1] * up[1]) * (down[0] * down[0]) - (down[2] * down[0] - down[1] * down[1]) * (up[0] * up[0]);
  // The divisor is kept within a factor of two of Newton's.
  const Lanes square = 2.0 * slope * slope;
  Lanes divisor = square - h * bend;
  divisor = divisor < 0.5 * square ? 0.5 * square : divisor;
  divisor = divisor > 2.0 * square ? 2.0 * square : divisor;
  eta = -2.0 * h * slope * both / divisor;
}

MDP_INLINE void conclude(TiltBatch& batch, const Lanes& lambda, const Range& range) {
  Lanes mass{};
  for (std::size_t i = 0; i < batch.length; ++i) {
    Lanes p;
    load(batch.p.data() + i * lanes, p);
    mass += p;
  }
  Lanes one, log_mass, distance;
  fill(1.0, one);
  log_ratio(mass, one, log_mass);
  const Lanes inverse = one / mass;
  Lanes divergence{}, absolute{};
  TwoLanes moment{};
  for (std::size_t i = 0; i < batch.length; ++i) {
    Lanes r, x, p, series;
    load(batch.r.data() + i * lanes, r);
    load(batch.x.data() + i * lanes, x);
    load(batch.p.data() + i * lanes, p);
    p *= inverse;
    const Lanes t = lambda * x - log_mass;  // log(p/r)
    horner(t, entropy, series);  // 1 + (t - 1) e^t = sum_{k>=2} t^k (k-1)/k!, for |t| <= 1/64 to 2^-53 of itself
    series *= t * t;
    size_of(t, distance);
    divergence += distance <= 0x1p-6 ? r * series : (p * t - p) + r;
    add_product(p, x, moment);
    size_of(x, distance);
    multiply_add(p, distance, absolute, absolute);
    store(p, batch.p.data() + i * lanes);
  }
  store(range.low, batch.low.data());
  store(range.high, batch.high.data());
  store(lambda, batch.multiplier.data());
  store(divergence, batch.divergence.data());
  store(divergence + log_mass, batch.gap.data());
  store(moment.hi + moment.lo, batch.residual.data());
  Lanes missed;
  size_of(moment.hi + moment.lo, missed);
  size_of(range.moment.hi + range.moment.lo, distance);
  for (std::size_t l = 0; l < lanes; ++l) {
    const bool is_finite = range.largest[l] < 1e290 && range.tie[l] < 1e270;
    const bool is_inside = range.low[l] < -range.tie[l] && range.high[l] > range.tie[l];
    const bool is_balanced = missed[l] <= 4.0 * unit_roundoff * absolute[l] && mass[l] > 0.0 && mass[l] < infinity;
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

// p is multiplied by e^{eta x}.
MDP_INLINE void multiply(TiltBatch& batch, const Lanes& eta, bool is_small) {
  for (std::size_t i = 0; i < batch.length; ++i) {
    Lanes x, p;
    load(batch.x.data() + i * lanes, x);
    load(batch.p.data() + i * lanes, p);
    Lanes y = eta * x;
    if (is_small) {
      exponentiate_small(y);
    } else {
      exponentiate(y);
    }
    store(p * y, batch.p.data() + i * lanes);
  }
}

// A step that does not leave the doubles, |h| before it and the largest |eta x|; all 0 where there is none. A comparison with NaN is
// false: rows with x of one sign stay where they are.
MDP_INLINE void bounded_step(const TiltBatch& batch, const Range& range, Lanes& eta, Lanes& size, Lanes& reach) {
  next_step(batch, eta, size);
  size_of(eta * range.largest, reach);
  eta = reach <= 600.0 ? eta : Lanes{};
  reach = eta != 0.0 ? reach : Lanes{};
  size = eta != 0.0 ? size : Lanes{};
}

// Two batches side by side, since each operation on one waits for the one before it.
MDP_TILT_CLONES
void tilt_rows(TiltBatch& a, TiltBatch& b) {
  Range range_a, range_b;
  set_up(a, range_a);
  set_up(b, range_b);
  Lanes lambda_a{}, lambda_b{};
  constexpr int max_steps = 8;
  constexpr double last = 0x1p-19;  // |h| before the last step: what is left of it is of the order |h|^3
  for (int step = 0; step < max_steps; ++step) {
    Lanes eta_a, size_a, reach_a, eta_b, size_b, reach_b;
    bounded_step(a, range_a, eta_a, size_a, reach_a);
    bounded_step(b, range_b, eta_b, size_b, reach_b);
    const double furthest = largest_of(reach_a > reach_b ? reach_a : reach_b);
    const double worst = largest_of(size_a > size_b ? size_a : size_b);
    if (worst == 0.0) break;
    lambda_a += eta_a;
    lambda_b += eta_b;
    multiply(a, eta_a, furthest <= 0x1p-10);
    multiply(b, eta_b, furthest <= 0x1p-10);
    if (worst <= last) break;
  }
  conclude(a, lambda_a, range_a);
  conclude(b, lambda_b, range_b);
}

}  // namespace

double portable_exp(double y) noexcept {
  Lanes v;
  fill(y, v);
  exponentiate(v);
  return v[0];
}

double portable_log(double y) noexcept {
  Lanes number, one, v;
  fill(y, number);
  fill(1.0, one);
  log_ratio(number, one, v);
  return v[0];
}

void tilt(TiltBatch& first, TiltBatch& second) { tilt_rows(first, second); }

}  // namespace mdp::kernels
