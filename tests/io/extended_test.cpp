#include "libmdp/io/extended.hpp"

#include <limits>

#include <catch2/catch.hpp>

using namespace mdp;
using io::Extended;

TEST_CASE("extended rationals: order, sign, text") {
  const Extended low = Extended::infinity(-1), high = Extended::infinity(1), third(mpq_class(1, 3));
  CHECK(low < third);
  CHECK(third < high);
  CHECK(low < high);
  CHECK(third > Extended());
  CHECK(-low == high);
  CHECK(-third == Extended(mpq_class(-1, 3)));
  for (const Extended& x : {low, high, third, Extended(mpq_class(-7)), Extended()}) {
    CHECK(io::parse_extended(io::text_of(x)) == x);
  }
  CHECK(io::text_of(third) == "1/3");
  CHECK(io::parse_extended("2/6") == third);
  CHECK(io::parse_extended("-0.25") == Extended(mpq_class(-1, 4)));
  const std::string large(400, '9');  // beyond doubles
  CHECK(io::text_of(*io::parse_extended(large + "/7")) == large + "/7");
  for (const char* wrong : {"", "nan", "1/0", "1/-2", "x", "1//2", "1/2/3"}) CHECK_FALSE(io::parse_extended(wrong));
}

TEST_CASE("extended rationals: doubles on either side") {
  const double most = std::numeric_limits<double>::max();
  const mpq_class huge = mpq_class(most) * 4;
  const Extended third(mpq_class(1, 3)), half(mpq_class(1, 2));
  CHECK(io::round_down(half) == 0.5);
  CHECK(io::round_up(half) == 0.5);
  CHECK(io::round_up(third) == std::nextafter(io::round_down(third), 1.0));
  CHECK(mpq_class(io::round_down(third)) < third.finite);
  CHECK(mpq_class(io::round_up(third)) > third.finite);
  CHECK(io::round_down(huge) == most);
  CHECK(io::round_up(huge) == infinity);
  CHECK(io::nearest(huge) == most);
  CHECK(io::round_down(Extended(mpq_class(-huge))) == -infinity);
  CHECK(io::nearest(Extended::infinity(-1)) == -infinity);
  CHECK_FALSE(std::signbit(io::round_up(Extended())));
}
