// equivalence/scaled_values.hpp — exact values over a common denominator (internal; needs GMP, is not installed).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <gmpxx.h>

#include "libmdp/io/extended.hpp"

namespace mdp::equivalence {

/// V = scaled/unit: integers, so that the common divisors of long numbers are looked for once a row and not once an entry.
struct ScaledValues {
  std::vector<char> finite;       ///< [n_states]
  std::vector<mpz_class> scaled;  ///< [n_states] 0 where infinite
  mpz_class unit = 1;             ///< > 0

  explicit ScaledValues(const std::vector<io::Extended>& values) {
    for (const auto& v : values) {
      if (v.is_finite()) unit = lcm(unit, v.finite.get_den());
    }
    for (const auto& v : values) {
      finite.push_back(v.is_finite() ? 1 : 0);
      scaled.emplace_back(v.is_finite() ? mpz_class(v.finite.get_num() * (unit / v.finite.get_den())) : mpz_class(0));
    }
  }

  /// E_p[V] in units of 1/unit; nothing where it is infinite.
  [[nodiscard]] std::optional<mpq_class> mean(const std::vector<std::pair<std::int64_t, mpq_class>>& p) const {
    mpq_class sum = 0;
    for (const auto& [next, chance] : p) {
      if (finite[static_cast<std::size_t>(next)] == 0) return std::nullopt;
      sum += chance * scaled[static_cast<std::size_t>(next)];
    }
    return sum;
  }

  /// Decimal digits of the longest of these numbers.
  [[nodiscard]] double digits() const {
    std::size_t longest = mpz_sizeinbase(unit.get_mpz_t(), 10);
    for (const mpz_class& v : scaled) longest = std::max(longest, mpz_sizeinbase(v.get_mpz_t(), 10));
    return static_cast<double>(longest);
  }
};

}  // namespace mdp::equivalence
