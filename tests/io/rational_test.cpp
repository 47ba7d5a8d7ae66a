#include "libmdp/io/rational.hpp"

#include <bit>
#include <cmath>
#include <cstdlib>
#include <random>

#include <catch2/catch.hpp>

using namespace mdp;
using io::exact_text;
using io::nearest_double;
using io::parse_rational;
using io::to_two_double;

namespace {

constexpr unsigned seed = 20261123;

mpq_class exact(double x) { return mpq_class(x); }

bool same(TwoDouble a, TwoDouble b) {
  return std::bit_cast<std::uint64_t>(a.hi) == std::bit_cast<std::uint64_t>(b.hi) && a.lo == b.lo;
}

/// A double of any sign, exponent and digits.
double any_double(std::mt19937_64& random) {
  while (true) {
    const auto x = std::bit_cast<double>(random());
    if (std::isfinite(x)) return x;
  }
}

}  // namespace

TEST_CASE("decimals and fractions are what they say") {
  CHECK(*parse_rational("-1.50e-2") == mpq_class(-3, 200));
  CHECK(*parse_rational("12e3") == 12000);
  CHECK(*parse_rational("0.000") == 0);
  CHECK(*parse_rational("-0") == 0);
  CHECK(*parse_rational("007/014") == mpq_class(1, 2));
  CHECK(*parse_rational("-2/4") == mpq_class(-1, 2));
  CHECK(*parse_rational("0e999999999999999999999") == 0);
  CHECK(*parse_rational("0.1e1") == 1);
  CHECK(nearest_double(*parse_rational("1.7976931348623157e308")) == 1.7976931348623157e308);
  CHECK(parse_rational("5e-324").has_value());
}

TEST_CASE("texts that are no numbers, or none that a double could hold, are refused") {
  for (const char* text : {"",        "-",      "+1",
                           ".5",      "1.",     "1e",
                           "1e+",     "0x1p3",  "1/0",
                           "1/-2",    "1/2/3",  "/2",
                           "1/",      "1 ",     " 1",
                           "1,5",     "inf",    "nan",
                           "--1",     "1e5x",   "1/2.0",
                           "1.8e308", "1e309",  "1e99999999999999999999",
                           "2e-324",  "1e-400", "1e-99999999999999999999",
                           "1/1e400", "-1e309"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_rational(text).has_value());
  }
  CHECK_FALSE(parse_rational("1/" + std::string(400, '9')).has_value());
  CHECK_FALSE(parse_rational(std::string(400, '9')).has_value());
}

TEST_CASE("the nearest double of a decimal is that of the C library") {
  std::mt19937_64 random(seed);
  CAPTURE(seed);
  for (int i = 0; i < 20000; ++i) {
    std::string text = std::to_string(static_cast<std::int64_t>(random()) >> (random() % 60));
    text += "." + std::to_string(random()) + "e" + std::to_string(static_cast<int>(random() % 600) - 300);
    const auto x = parse_rational(text);
    const double expected = std::strtod(text.c_str(), nullptr);
    CAPTURE(text);
    if (x) CHECK(nearest_double(*x) == expected);
    if (!x) CHECK((std::isinf(expected) || expected == 0.0));
  }
}

TEST_CASE("halves go to the even double, also among the subnormal ones") {
  CHECK(nearest_double(exact(1.0) + exact(0x1p-53)) == 1.0);
  CHECK(nearest_double(exact(1.0 + 0x1p-52) + exact(0x1p-53)) == 1.0 + 0x1p-51);
  CHECK(nearest_double(-exact(1.0 + 0x1p-52) - exact(0x1p-53)) == -1.0 - 0x1p-51);
  CHECK(nearest_double(exact(1.0) + exact(0x1p-53) + exact(0x1p-1000)) == 1.0 + 0x1p-52);
  CHECK(nearest_double(exact(0x1p-1074) * 3 / 2) == 0x1p-1073);
  CHECK(nearest_double(exact(0x1p-1074) / 2) == 0.0);
  CHECK(nearest_double(exact(0x1p-1074) * 5 / 2) == 0x1p-1073);
}

TEST_CASE("two doubles hold a rational to 2^-106 of it") {
  std::mt19937_64 random(seed);
  CAPTURE(seed);
  for (int i = 0; i < 5000; ++i) {
    mpq_class x(mpz_class(std::to_string(random())), mpz_class(std::to_string(random() | 1)));
    x.canonicalize();
    const TwoDouble rounded = to_two_double(x);
    CHECK(rounded.hi == nearest_double(x));
    CHECK(std::abs(rounded.lo) <= std::abs(rounded.hi) * 0x1p-53);
    CHECK(abs(exact(rounded.hi) + exact(rounded.lo) - x) <= abs(x) * exact(0x1p-106));
  }
}

TEST_CASE("shortest and exact texts are read back to the same bits") {
  std::mt19937_64 random(seed);
  CAPTURE(seed);
  for (int i = 0; i < 2000; ++i) {
    const double x = any_double(random);
    CHECK(nearest_double(*parse_rational(io::shortest_text(x))) == x);
    const double hi = std::ldexp(x, -std::ilogb(x));
    const TwoDouble pair(hi, hi * 0x1p-54 * (static_cast<double>(random() >> 11) * 0x1p-53));
    CAPTURE(exact_text(pair));
    CHECK(same(to_two_double(*parse_rational(exact_text(pair))), pair));
    const TwoDouble alone(hi);
    CHECK(same(to_two_double(*parse_rational(exact_text(alone))), alone));
  }
}

TEST_CASE("exact texts are short where there is a short one") {
  CHECK(exact_text(to_two_double(mpq_class(1, 3))) == "1/3");
  CHECK(exact_text(to_two_double(mpq_class(-22, 7))) == "-22/7");
  CHECK(exact_text(to_two_double(mpq_class(1, 10))) == "0.1");
  CHECK(exact_text(TwoDouble(0.5)) == "0.5");
  CHECK(exact_text(TwoDouble(0.0)) == "0");
  for (const char* gamma :
       {"0.9", "0.999999999", "1/3", "0", "1", "0.5", "1e-30", "0.999999999999999999999999999999"}) {
    const Discount discount = io::to_discount(*parse_rational(gamma));
    const Discount again = io::to_discount(*parse_rational(exact_text(discount)));
    CHECK((same(discount.value, again.value) && same(discount.complement, again.complement)));
  }
  CHECK(exact_text(io::to_discount(mpq_class(999999999, 1000000000))) == "0.999999999");
  const Discount dyadic(0.9);  // not 9/10
  CHECK(*parse_rational(exact_text(dyadic)) == exact(0.9));
}
