// libmdp/two_double.hpp — unevaluated sums of two doubles (about 106 bits).
#pragma once

#include <cmath>

namespace mdp {

/// The number hi + lo with |lo| <= ulp(hi)/2. Compiled with -ffp-contract=off; std::fma is explicit.
/// Source: T. J. Dekker (1971); Joldes, Muller, Popescu, "Tight and rigorous error bounds for basic
/// building blocks of double-word arithmetic" (2017). Relative errors given there, for no over/underflow:
/// sum of two TwoDoubles (AccurateDWPlusDW) 3u^2, TwoDouble times double (DWTimesFP3) 2u^2,
/// product (DWTimesDW3) 4u^2, quotient by a double 3u^2; u = 2^-53.
struct TwoDouble {
  double hi = 0.0;
  double lo = 0.0;

  constexpr TwoDouble() = default;
  constexpr TwoDouble(double x) : hi(x) {}  // NOLINT(google-explicit-constructor): a double is one
  constexpr TwoDouble(double high, double low) : hi(high), lo(low) {}

  [[nodiscard]] constexpr double value() const { return hi + lo; }
};

/// x + lo, if |lo| <= ulp(x)/2 or x is infinite.
[[nodiscard]] inline TwoDouble with_tail(double x, double lo) {
  return std::isinf(x) ? TwoDouble(x) : TwoDouble(x, lo);
}

/// a + b exactly, for any a, b (Knuth).
[[nodiscard]] inline TwoDouble two_sum(double a, double b) {
  const double s = a + b;
  const double t = s - a;
  return {s, (a - (s - t)) + (b - t)};
}

/// a + b exactly, for |a| >= |b| or a = 0 (Dekker).
[[nodiscard]] inline TwoDouble quick_two_sum(double a, double b) {
  const double s = a + b;
  return {s, b - (s - a)};
}

/// a * b exactly (no underflow).
[[nodiscard]] inline TwoDouble two_product(double a, double b) {
  const double p = a * b;
  return {p, std::fma(a, b, -p)};
}

[[nodiscard]] inline TwoDouble operator-(TwoDouble x) { return {-x.hi, -x.lo}; }

[[nodiscard]] inline TwoDouble operator+(TwoDouble x, TwoDouble y) {
  const TwoDouble s = two_sum(x.hi, y.hi);
  const TwoDouble t = two_sum(x.lo, y.lo);
  const TwoDouble v = quick_two_sum(s.hi, s.lo + t.hi);
  return quick_two_sum(v.hi, t.lo + v.lo);
}

[[nodiscard]] inline TwoDouble operator-(TwoDouble x, TwoDouble y) { return x + (-y); }

[[nodiscard]] inline TwoDouble operator*(TwoDouble x, double y) {
  const TwoDouble c = two_product(x.hi, y);
  return quick_two_sum(c.hi, std::fma(x.lo, y, c.lo));
}

[[nodiscard]] inline TwoDouble operator*(TwoDouble x, TwoDouble y) {
  const TwoDouble c = two_product(x.hi, y.hi);
  const double cross = std::fma(x.hi, y.lo, std::fma(x.lo, y.hi, x.lo * y.lo));
  return quick_two_sum(c.hi, c.lo + cross);
}

/// Quotient with relative error a few u^2: one Newton correction on the leading quotient.
[[nodiscard]] inline TwoDouble operator/(TwoDouble x, TwoDouble y) {
  const double q1 = x.hi / y.hi;
  const TwoDouble r = x - y * q1;
  const double q2 = r.hi / y.hi;
  const TwoDouble r2 = r - y * q2;
  return quick_two_sum(q1, q2) + TwoDouble(r2.hi / y.hi);
}

[[nodiscard]] inline bool operator<(TwoDouble x, TwoDouble y) { return x.hi < y.hi || (x.hi == y.hi && x.lo < y.lo); }

}  // namespace mdp
