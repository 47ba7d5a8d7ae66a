#include "libmdp/io/number.hpp"

#include <random>
#include <string>

#include <catch2/catch.hpp>

#include "libmdp/io/rational.hpp"

using namespace mdp;

namespace {

void check_same_as_rational(const std::string& text) {
  INFO(text);
  const auto fast = io::parse_number(text);
  const auto exact = io::parse_rational(text);
  REQUIRE(fast.has_value() == exact.has_value());
  if (!exact) return;
  const TwoDouble slow = io::to_two_double(*exact);
  CHECK(fast->hi == slow.hi);
  CHECK(fast->lo == slow.lo);
}

}  // namespace

TEST_CASE("plain decimals are taken in integers, to the bit what rationals give") {
  std::mt19937_64 random(5);
  for (int i = 0; i < 20000; ++i) {
    const int places = static_cast<int>(random() % 20);
    std::string digits = std::to_string(random() >> (random() % 60));
    if (static_cast<int>(digits.size()) <= places)
      digits.insert(0, static_cast<std::size_t>(places) + 1 - digits.size(), '0');
    if (places > 0) digits.insert(digits.size() - static_cast<std::size_t>(places), ".");
    check_same_as_rational(digits);
  }
  for (const double x : {0.1, 1.0 / 3, 0.9999999999999999, 1e-17, 123456.789, 5e-324, 1e300}) {
    check_same_as_rational(io::shortest_text(x));
  }
}

TEST_CASE("every other form goes through rationals, and what is no number is none") {
  for (const char* text : {"1/3",
                           "-2/7",
                           "-0.1",
                           "1e-5",
                           "12.5E3",
                           "0",
                           "0.0",
                           "00012.50",
                           "18446744073709551616",
                           "9999999999999999999",
                           "0.00000000000000000001",
                           "0.5",
                           "1.",
                           ".5",
                           "",
                           "1..2",
                           "+1",
                           "nan",
                           "inf",
                           "1/0",
                           "0x1p3",
                           "1 2",
                           "1e400"}) {
    check_same_as_rational(text);
  }
}
