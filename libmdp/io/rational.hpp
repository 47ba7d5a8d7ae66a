// libmdp/io/rational.hpp — numbers of text files as exact rationals. Internal: needs GMP, is not installed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <gmpxx.h>

#include "libmdp/mdp.hpp"
#include "libmdp/two_double.hpp"

namespace mdp::io {

/// The rational that a decimal ("-1.5e-3") or a fraction of integers ("2/3") writes; nothing if the text is neither,
/// if a denominator is 0, or if the number is neither 0 nor within the range of doubles, [2^-1074, 2^1024).
[[nodiscard]] std::optional<mpq_class> parse_rational(std::string_view text);

/// The double nearest to x, ties to even. |x| < 2^1024, else infinity.
[[nodiscard]] double nearest_double(const mpq_class& x);

/// hi = nearest double to x, lo = nearest double to x - hi: |x - hi - lo| <= 2^-106 |x| away from underflow.
[[nodiscard]] TwoDouble to_two_double(const mpq_class& x);

/// gamma and 1 - gamma, each to about 106 bits. 0 <= gamma <= 1.
[[nodiscard]] Discount to_discount(const mpq_class& gamma);

/// A short text that parse_rational() reads back to the same two doubles: the shortest decimal of x.hi if that does
/// it, a fraction of small integers, or a decimal of as many digits as it takes.
[[nodiscard]] std::string exact_text(TwoDouble x);

/// The same for a discount and its complement.
[[nodiscard]] std::string exact_text(const Discount& discount);

/// Shortest decimal that reads back to the same double; "inf", "-inf", "nan" for the others.
[[nodiscard]] std::string shortest_text(double x);

}  // namespace mdp::io
