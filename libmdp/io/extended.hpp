// libmdp/io/extended.hpp — a rational, or plus or minus infinity. Internal: needs GMP, is not installed.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gmpxx.h>

#include "libmdp/types.hpp"

namespace mdp::io {

/// A value in exact arithmetic.
struct Extended {
  mpq_class finite;  ///< 0 where infinite
  int infinite = 0;  ///< -1 = minus infinity, 1 = plus infinity, 0 = `finite` is the number

  Extended() = default;
  Extended(mpq_class x) : finite(std::move(x)) {}  // NOLINT(google-explicit-constructor): a rational is one
  [[nodiscard]] static Extended infinity(int sign);

  [[nodiscard]] bool is_finite() const noexcept { return infinite == 0; }
  [[nodiscard]] Extended operator-() const;
  friend bool operator==(const Extended& a, const Extended& b) {
    return a.infinite == b.infinite && a.finite == b.finite;
  }
  friend std::strong_ordering operator<=>(const Extended& a, const Extended& b);
};

/// "3", "-2/3", "inf", "-inf".
[[nodiscard]] std::string text_of(const Extended& x);
/// The inverse; decimals and fractions of any size, "inf" and "-inf". Nothing for any other text.
[[nodiscard]] std::optional<Extended> parse_extended(std::string_view text);

/// The largest double <= x and the smallest double >= x; infinities where there is none.
[[nodiscard]] double round_down(const Extended& x);
[[nodiscard]] double round_up(const Extended& x);
/// The double nearest to x; the largest finite one where x is finite and out of range.
[[nodiscard]] double nearest(const Extended& x);

/// Turns minimised values into the sense of a file, and back.
[[nodiscard]] std::vector<Extended> in_sense(Objective objective, std::vector<Extended> values);

}  // namespace mdp::io
