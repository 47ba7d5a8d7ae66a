// Two-double arithmetic against exact rationals: the relative errors that two_double.hpp promises.
#include "libmdp/two_double.hpp"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>
#include <gmpxx.h>

using namespace mdp;

namespace {

mpq_class exact(TwoDouble x) { return mpq_class(x.hi) + mpq_class(x.lo); }

}  // namespace

TEST_CASE("two_sum and two_product are exact; the operations are within their bounds") {
  const auto seed = 17U;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  const auto draw = [&] { return std::ldexp(uniform(random), static_cast<int>(random() % 60) - 30); };
  const auto draw_two = [&] {
    const double hi = draw();
    return quick_two_sum(hi, hi * uniform(random) * 0x1p-53);
  };
  const mpq_class u2 = mpq_class(0x1p-106);
  for (int trial = 0; trial < 5000; ++trial) {
    const double a = draw(), b = draw();
    REQUIRE(exact(two_sum(a, b)) == mpq_class(a) + mpq_class(b));
    REQUIRE(exact(two_product(a, b)) == mpq_class(a) * mpq_class(b));
    const TwoDouble x = draw_two(), y = draw_two();
    const auto within = [&](TwoDouble result, const mpq_class& truth, int factor) {
      return abs(mpq_class(exact(result) - truth)) <= factor * u2 * abs(truth);
    };
    REQUIRE(within(x + y, exact(x) + exact(y), 4));
    REQUIRE(within(x * y, exact(x) * exact(y), 5));
    REQUIRE(within(x * b, exact(x) * mpq_class(b), 3));
    REQUIRE(within(x / y, exact(x) / exact(y), 12));
    REQUIRE((x < y) == (exact(x) < exact(y)));
  }
}
