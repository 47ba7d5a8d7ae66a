#include "solvers/exact/decimal.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "libmdp/error.hpp"

namespace mdp::solvers {
namespace {

mpz_class power_of_ten(long n) {
  mpz_class x;
  mpz_ui_pow_ui(x.get_mpz_t(), 10, static_cast<unsigned long>(n));
  return x;
}

// The integer nearest to a / b, b > 0.
mpz_class nearest_quotient(const mpz_class& a, const mpz_class& b) {
  mpz_class q;
  mpz_class doubled = 2 * a + b;
  mpz_fdiv_q(q.get_mpz_t(), doubled.get_mpz_t(), mpz_class(2 * b).get_mpz_t());
  return q;
}

// x rounded to `decimals` digits behind the point (before it, if negative).
std::string fixed_decimal(const mpq_class& x, long decimals) {
  mpz_class digits = decimals >= 0 ? nearest_quotient(x.get_num() * power_of_ten(decimals), x.get_den())
                                   : nearest_quotient(x.get_num(), x.get_den() * power_of_ten(-decimals));
  if (decimals <= 0) return mpz_class(digits * power_of_ten(-decimals)).get_str();
  const bool negative = digits < 0;
  std::string text = mpz_class(abs(digits)).get_str();
  if (text.size() <= static_cast<std::size_t>(decimals))
    text.insert(0, static_cast<std::size_t>(decimals) + 1 - text.size(), '0');
  text.insert(text.size() - static_cast<std::size_t>(decimals), 1, '.');
  return negative ? "-" + text : text;
}

// The e with 10^e <= |x| < 10^(e+1). x != 0.
long decimal_exponent(const mpq_class& x) {
  auto e = static_cast<long>(mpz_sizeinbase(x.get_num_mpz_t(), 10)) -
           static_cast<long>(mpz_sizeinbase(x.get_den_mpz_t(), 10)) + 1;
  const mpq_class size = abs(x);
  const auto power = [](long n) { return n >= 0 ? mpq_class(power_of_ten(n)) : mpq_class(1, power_of_ten(-n)); };
  while (power(e) > size) --e;
  return e;
}

}  // namespace

std::string decimal_text(const std::string& exact, int n_digits) {
  if (n_digits < 1) throw InvalidArgument(fmt::format("digits = {}, required >= 1", n_digits));
  const auto x = io::parse_extended(exact);
  if (!x) throw InvalidArgument(fmt::format("'{}' is no number", exact));
  if (!x->is_finite() || x->finite == 0) return exact;
  const long exponent = decimal_exponent(x->finite);
  if (x->finite.get_den() == 1 && exponent < n_digits) return exact;
  const long decimals = n_digits - 1 - exponent;
  std::string digits = fixed_decimal(x->finite, decimals);
  constexpr long longest_zeros = 40;
  if (decimals <= longest_zeros + n_digits && exponent <= longest_zeros) return digits;
  // Far from 1: d.ddd e±n.
  mpq_class mantissa = exponent >= 0 ? mpq_class(x->finite / mpq_class(power_of_ten(exponent)))
                                     : mpq_class(x->finite * mpq_class(power_of_ten(-exponent)));
  return fmt::format("{}e{}", fixed_decimal(mantissa, n_digits - 1), exponent);
}

void write_digits(RefinedResult& result, Objective objective, std::span<const io::Extended> value,
                  const mpq_class& error, int n_digits) {
  mpq_class size;
  for (const io::Extended& x : value) {
    if (x.is_finite()) size = std::max(size, mpq_class(abs(x.finite)));
  }
  if (size == 0) size = 1;
  const long decimals = n_digits - decimal_exponent(size) + 1;
  const mpq_class rounding =
      decimals >= 0 ? mpq_class(1, 2 * power_of_ten(decimals)) : mpq_class(power_of_ten(-decimals)) / 2;
  const mpq_class bound = error + rounding;
  const bool minimise = objective == Objective::minimize;
  for (const io::Extended& x : value) {
    if (x.is_finite())
      result.value.push_back(fixed_decimal(minimise ? x.finite : mpq_class(-x.finite), decimals));
    else
      result.value.emplace_back((x.infinite > 0) == minimise ? "inf" : "-inf");
  }
  // Rounded up to three digits.
  const long exponent = decimal_exponent(bound) - 2;
  const mpq_class scaled = exponent >= 0 ? mpq_class(bound / mpq_class(power_of_ten(exponent)))
                                         : mpq_class(bound * mpq_class(power_of_ten(-exponent)));
  mpz_class rounded;
  mpz_cdiv_q(rounded.get_mpz_t(), scaled.get_num_mpz_t(), scaled.get_den_mpz_t());
  result.value_error_bound = fmt::format("{}e{}", rounded.get_str(), exponent);
  const bool met = bound * mpq_class(power_of_ten(n_digits)) <= size;
  result.status = met ? Status::converged : Status::precision_limit;
  if (!met) result.message = "the bound of the error is wider than so many digits";
}

}  // namespace mdp::solvers
