#include "libmdp/io/rational.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace mdp::io {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Position behind the digits that start at `at`.
std::size_t skip_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

/// True where |x| is 0 or a double can hold a number of its size: floor(log2 |x|) in [-1074, 1023].
bool within_doubles(const mpq_class& x) {
  if (sgn(x) == 0) return true;
  const auto bits =
      static_cast<long>(mpz_sizeinbase(x.get_num_mpz_t(), 2)) - static_cast<long>(mpz_sizeinbase(x.get_den_mpz_t(), 2));
  if (bits > 1024 || bits < -1075) return false;
  return std::isfinite(x.get_d()) && x.get_d() != 0.0;
}

mpz_class power_of_ten(unsigned long exponent) {
  mpz_class power;
  mpz_ui_pow_ui(power.get_mpz_t(), 10, exponent);
  return power;
}

std::optional<mpq_class> parse_fraction(std::string_view text, std::size_t slash) {
  const bool negative = text[0] == '-';
  const std::string_view numerator = text.substr(negative ? 1 : 0, slash - (negative ? 1 : 0));
  const std::string_view denominator = text.substr(slash + 1);
  if (numerator.empty() || skip_digits(numerator, 0) != numerator.size()) return std::nullopt;
  if (denominator.empty() || skip_digits(denominator, 0) != denominator.size()) return std::nullopt;
  mpq_class x{mpz_class(std::string(numerator), 10), mpz_class(std::string(denominator), 10)};
  if (sgn(x.get_den()) == 0) return std::nullopt;
  x.canonicalize();
  return negative ? mpq_class(-x) : x;
}

/// Decimal exponent that stands at `at` ("e-12"), nothing if malformed; far beyond doubles it is cut to +-10^9.
std::optional<std::int64_t> parse_exponent(std::string_view text, std::size_t at) {
  if (at == text.size()) return 0;
  if (text[at] != 'e' && text[at] != 'E') return std::nullopt;
  ++at;
  const bool negative = at < text.size() && text[at] == '-';
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  if (at == text.size() || skip_digits(text, at) != text.size()) return std::nullopt;
  std::int64_t exponent = 0;
  for (; at < text.size(); ++at) exponent = std::min<std::int64_t>(exponent * 10 + (text[at] - '0'), 1'000'000'000);
  return negative ? -exponent : exponent;
}

std::optional<mpq_class> parse_decimal(std::string_view text) {
  const std::size_t first = text[0] == '-' ? 1 : 0;
  const std::size_t point = skip_digits(text, first);
  if (point == first) return std::nullopt;
  std::string digits(text.substr(first, point - first));
  std::size_t end = point;
  if (point < text.size() && text[point] == '.') {
    end = skip_digits(text, point + 1);
    if (end == point + 1) return std::nullopt;
    digits += text.substr(point + 1, end - point - 1);
  }
  const auto exponent = parse_exponent(text, end);
  if (!exponent) return std::nullopt;
  const std::size_t leading = digits.find_first_not_of('0');
  if (leading == std::string::npos) return mpq_class(0);

  const auto fraction_digits = static_cast<std::int64_t>(end > point ? end - point - 1 : 0);
  const std::int64_t scale = *exponent - fraction_digits;
  const std::int64_t magnitude = static_cast<std::int64_t>(digits.size() - leading) + scale;  // |x| in [10^(m-1), 10^m)
  if (magnitude > 310 || magnitude < -330) return std::nullopt;
  mpq_class x(mpz_class(digits, 10));
  if (scale >= 0) {
    x *= power_of_ten(static_cast<unsigned long>(scale));
  } else {
    x /= mpq_class(power_of_ten(static_cast<unsigned long>(-scale)));
  }
  return text[0] == '-' ? mpq_class(-x) : x;
}

/// The convergents of the continued fraction of x, until `accept` takes one or the denominator passes 10^9.
template <class Accept>
std::optional<mpq_class> simple_fraction(const mpq_class& x, Accept&& accept) {
  mpz_class p0 = 0, q0 = 1, p1 = 1, q1 = 0;
  mpq_class rest = x;
  while (true) {
    mpz_class whole;
    mpz_fdiv_q(whole.get_mpz_t(), rest.get_num_mpz_t(), rest.get_den_mpz_t());
    mpz_class p2 = whole * p1 + p0, q2 = whole * q1 + q0;
    if (q2 > 1'000'000'000) return std::nullopt;
    if (const mpq_class convergent(p2, q2); accept(convergent)) return convergent;
    p0.swap(p1), q0.swap(q1), p1.swap(p2), q1.swap(q2);
    rest -= whole;
    if (sgn(rest) == 0) return std::nullopt;
    rest = 1 / rest;
  }
}

/// x rounded to `n_digits` significant decimal digits, as a JSON number.
std::string decimal_text(const mpq_class& x, int n_digits) {
  mpf_class wide(x, static_cast<mp_bitcnt_t>(n_digits) * 4 + 64);
  mp_exp_t exponent = 0;
  std::string digits = wide.get_str(exponent, 10, static_cast<std::size_t>(n_digits));
  const bool negative = !digits.empty() && digits[0] == '-';
  if (negative) digits.erase(0, 1);
  if (digits.empty()) return "0";
  std::string text = negative ? "-" : "";
  text += digits[0];
  if (digits.size() > 1) text.append(1, '.').append(digits, 1);
  return text.append(1, 'e').append(std::to_string(exponent - 1));
}

/// The first text, of a list of ever longer ones, whose number `accept` takes; the last is exact.
template <class Accept>
std::string first_accepted(const mpq_class& x, double leading, Accept&& accept) {
  std::string text = shortest_text(leading);
  if (accept(*parse_rational(text))) return text;
  if (const auto fraction = simple_fraction(x, accept)) return fraction->get_str();
  for (int n_digits = 30; n_digits <= 80; ++n_digits) {
    text = decimal_text(x, n_digits);
    if (const auto parsed = parse_rational(text); parsed && accept(*parsed)) return text;
  }
  return x.get_str();
}

bool same(TwoDouble x, TwoDouble y) { return x.hi == y.hi && x.lo == y.lo; }

}  // namespace

std::optional<mpq_class> parse_rational(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const std::size_t slash = text.find('/');
  auto x = slash == std::string_view::npos ? parse_decimal(text) : parse_fraction(text, slash);
  if (x && !within_doubles(*x)) return std::nullopt;
  return x;
}

double nearest_double(const mpq_class& x) {
  const double inner = x.get_d();  // rounded towards zero
  if (mpq_class(inner) == x) return inner;
  const double outer = std::nextafter(inner, sgn(x) < 0 ? -infinity : infinity);
  if (std::isinf(outer)) return inner;
  const mpq_class middle = (mpq_class(inner) + mpq_class(outer)) / 2;
  const int side = cmp(x, middle) * sgn(x);  // > 0: nearer to `outer`
  if (side != 0) return side > 0 ? outer : inner;
  return std::bit_cast<std::uint64_t>(inner) % 2 == 0 ? inner : outer;
}

TwoDouble to_two_double(const mpq_class& x) {
  const double hi = nearest_double(x);
  const mpq_class rest = x - mpq_class(hi);
  return {hi, sgn(rest) == 0 ? 0.0 : nearest_double(rest)};
}

Discount to_discount(const mpq_class& gamma) { return {to_two_double(gamma), to_two_double(1 - gamma)}; }

std::string shortest_text(double x) {
  if (std::isinf(x)) return x > 0 ? "inf" : "-inf";
  if (std::isnan(x)) return "nan";
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, x).ptr;
  return {text, end};
}

std::string exact_text(TwoDouble x) {
  const mpq_class exact = mpq_class(x.hi) + mpq_class(x.lo);
  return first_accepted(exact, x.hi, [&](const mpq_class& y) { return same(to_two_double(y), x); });
}

std::string exact_text(const Discount& discount) {
  // Where gamma is near 1 the complement holds more digits, and the other way round.
  const mpq_class value = mpq_class(discount.value.hi) + mpq_class(discount.value.lo);
  const mpq_class complement = mpq_class(discount.complement.hi) + mpq_class(discount.complement.lo);
  const mpq_class gamma = value > complement ? mpq_class(1 - complement) : value;
  return first_accepted(gamma, discount.value.hi, [&](const mpq_class& y) {
    return same(to_two_double(y), discount.value) && same(to_two_double(1 - y), discount.complement);
  });
}

}  // namespace mdp::io
