#include "libmdp/io/extended.hpp"

#include <cmath>
#include <limits>

#include "libmdp/io/rational.hpp"

namespace mdp::io {
namespace {

constexpr double largest = std::numeric_limits<double>::max();

// Nearest double of a rational of any size: out of range, the largest finite one of its sign.
double clamped(const mpq_class& x) {
  if (abs(x) >= mpq_class(largest)) return sgn(x) > 0 ? largest : -largest;
  return nearest_double(x);
}

bool is_integer(std::string_view text) {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

Extended Extended::infinity(int sign) {
  Extended x;
  x.infinite = sign;
  return x;
}

Extended Extended::operator-() const {
  Extended x(mpq_class(-finite));
  x.infinite = -infinite;
  return x;
}

std::strong_ordering operator<=>(const Extended& a, const Extended& b) {
  if (a.infinite != 0 || b.infinite != 0) return a.infinite <=> b.infinite;
  return cmp(a.finite, b.finite) <=> 0;
}

std::string text_of(const Extended& x) {
  if (x.infinite != 0) return x.infinite > 0 ? "inf" : "-inf";
  return x.finite.get_str();
}

std::optional<Extended> parse_extended(std::string_view text) {
  if (text == "inf") return Extended::infinity(1);
  if (text == "-inf") return Extended::infinity(-1);
  const auto slash = text.find('/');
  const std::string_view numerator = text.substr(0, slash);
  if (!is_integer(numerator)) {
    if (auto x = parse_rational(text)) return Extended(std::move(*x));
    return std::nullopt;
  }
  mpq_class x(mpz_class(std::string(numerator), 10), 1);
  if (slash != std::string_view::npos) {
    const std::string_view denominator = text.substr(slash + 1);
    if (!is_integer(denominator) || denominator.front() == '-') return std::nullopt;
    x.get_den() = mpz_class(std::string(denominator), 10);
    if (x.get_den() == 0) return std::nullopt;
    x.canonicalize();
  }
  return Extended(std::move(x));
}

double round_down(const Extended& x) {
  if (x.infinite != 0) return x.infinite * mdp::infinity;
  const double near = clamped(x.finite);
  return mpq_class(near) <= x.finite ? near : std::nextafter(near, -mdp::infinity);
}

double round_up(const Extended& x) { return 0.0 - round_down(-x); }

double nearest(const Extended& x) { return x.infinite != 0 ? x.infinite * mdp::infinity : clamped(x.finite); }

std::vector<Extended> in_sense(Objective objective, std::vector<Extended> values) {
  if (objective == Objective::maximize) {
    for (Extended& x : values) x = -x;
  }
  return values;
}

}  // namespace mdp::io
