#include "libmdp/io/number.hpp"

#include "libmdp/error.hpp"
#include "libmdp/io/rational.hpp"

namespace mdp::io {

std::optional<TwoDouble> parse_number(std::string_view text) {
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
