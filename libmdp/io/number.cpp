#include "libmdp/io/number.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "libmdp/error.hpp"
#include "libmdp/io/rational.hpp"

namespace mdp::io {

namespace {

__extension__ using Wide = unsigned __int128;

constexpr int max_places = 19;  // 10^19 < 2^64

constexpr std::array<std::uint64_t, max_places + 1> powers_of_ten = [] {
  std::array<std::uint64_t, max_places + 1> powers{1};
  for (std::size_t k = 1; k < powers.size(); ++k) powers[k] = 10 * powers[k - 1];
  return powers;
}();

/// digits / 10^places, digits < 10^19.
struct Decimal {
  std::uint64_t digits = 0;
  int places = 0;
};

/// The common form "0.125", "3", "12.5" without sign and exponent; nothing for any other text.
std::optional<Decimal> plain_decimal(std::string_view text) {
  Decimal decimal;
  int n_digits = 0;
  bool point = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.' && !point && i > 0 && i + 1 < text.size()) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;
    if (decimal.digits != 0 || c != '0') ++n_digits;
    if (n_digits > max_places) return std::nullopt;
    decimal.digits = 10 * decimal.digits + static_cast<std::uint64_t>(c - '0');
    decimal.places += point ? 1 : 0;
  }
  if (text.empty() || decimal.places > max_places) return std::nullopt;
  return decimal;
}

/// Correctly rounded n / d * 2^exponent: quotient with a sticky last bit.
double quotient(Wide n, std::uint64_t d, int exponent) {
  const Wide q = n / d;
  const Wide sticky = n % d != 0 ? 1 : 0;
  return std::ldexp(static_cast<double>(q | sticky), exponent);
}

/// to_two_double() of a plain decimal, to the bit, in integers: with hi = m 2^-e nearest to x = digits / 10^places,
/// x - hi = (digits 2^e - m 10^places) / (2^e 10^places), whose numerator is below 2^63.
std::optional<TwoDouble> two_double_of(std::string_view text) {
  const auto decimal = plain_decimal(text);
  if (!decimal) return std::nullopt;
  if (decimal->digits == 0) return TwoDouble();
  double hi = 0.0;
  std::from_chars(text.data(), text.data() + text.size(), hi);
  const int e = 52 - std::ilogb(hi);
  if (e < 0 || e > 116) return std::nullopt;
  const auto m = static_cast<std::uint64_t>(std::ldexp(hi, e));
  const Wide difference = (static_cast<Wide>(decimal->digits) << e) -
                          static_cast<Wide>(m) * powers_of_ten[static_cast<std::size_t>(decimal->places)];
  if (difference == 0) return TwoDouble(hi);
  const bool negative = (difference >> 127) != 0;
  const Wide size = negative ? -difference : difference;
  if (size >> 63 != 0) return std::nullopt;
  const int shift = 62 + std::countl_zero(static_cast<std::uint64_t>(size));  // the quotient has 62 bits or more
  const double lo = quotient(size << shift, powers_of_ten[static_cast<std::size_t>(decimal->places)], -shift - e);
  return TwoDouble(hi, negative ? -lo : lo);
}

}  // namespace

std::optional<TwoDouble> parse_number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (const auto x = two_double_of(text)) return x;
  const auto x = parse_rational(text);
  return x ? std::optional(to_two_double(*x)) : std::nullopt;
}

std::optional<Discount> parse_discount(std::string_view text) {
  const auto gamma = parse_rational(text);
  if (!gamma) return std::nullopt;
  if (*gamma < 0 || *gamma > 1) {
    throw InvalidOption("discount " + std::string(text) + " is outside [0, 1]");
  }
  return to_discount(*gamma);
}

}  // namespace mdp::io
