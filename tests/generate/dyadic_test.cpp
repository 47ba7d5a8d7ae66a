#include "libmdp/generate/dyadic.hpp"

#include <cmath>

#include <catch2/catch.hpp>
#include <gmpxx.h>

#include "libmdp/generate/limits.hpp"

namespace {

using namespace mdp::generate;

/// C(n, k) p^k (1-p)^(n-k) in rationals.
mpq_class exact_binomial(unsigned n, unsigned k, double p) {
  mpz_class choose;
  mpz_bin_uiui(choose.get_mpz_t(), n, k);
  mpq_class mass = choose;
  for (unsigned j = 0; j < k; ++j) mass *= mpq_class(p);
  for (unsigned j = k; j < n; ++j) mass *= 1 - mpq_class(p);
  return mass;
}

TEST_CASE("binomial probabilities against exact rationals") {
  for (const double p : {0.5, 0.3, 0.01, 0.999}) {
    const unsigned n = 60;
    const std::vector<double> mass = binomial(n, p);
    REQUIRE(mass.size() == n + 1);
    for (unsigned k = 0; k <= n; ++k) {
      const mpq_class exact = exact_binomial(n, k, p);
      CHECK(abs(mpq_class(mass[k]) / exact - 1) < mpq_class(10 * (n + 1)) * mpq_class(0x1p-53));
    }
  }
  CHECK(binomial(3, 0.0) == std::vector<double>{1, 0, 0, 0});
  CHECK(binomial(3, 1.0) == std::vector<double>{0, 0, 0, 1});
  CHECK(binomial(0, 0.5) == std::vector<double>{1});
  CHECK(binomial(4, 0.5) == std::vector<double>{0.0625, 0.25, 0.375, 0.25, 0.0625});
}

TEST_CASE("rounding to the grid keeps the sum at exactly 1 and moves no entry by more than n half steps") {
  std::vector<double> p = {0.1, 0.2, 0.3, 0.4 - 1e-9, 1e-9, 1e-15};
  const std::vector<double> before = p;
  round_to_grid(p, 20);
  double sum = 0.0;
  for (std::size_t k = 0; k < p.size(); ++k) {
    CHECK(p[k] * 0x1p20 == std::floor(p[k] * 0x1p20));
    CHECK(std::abs(p[k] - before[k]) <= 0x1p-21 * static_cast<double>(k == 3 ? p.size() : 1));
    sum += p[k];
  }
  CHECK(sum == 1.0);
  CHECK(p[5] == 0.0);
}

TEST_CASE("sine is sine") {
  for (double x = -3.15; x <= 3.15; x += 0.01) CHECK(std::abs(sine(x) - std::sin(x)) < 0x1p-50);
  CHECK(sine(0.0) == 0.0);
}

TEST_CASE("limits name the value and the rule") {
  CHECK(check_count("states", 0, 9) == "states = 0, required 1 to 9");
  CHECK(check_count("states", 9, 9).empty());
  CHECK(check_amount("arrival", NAN, 1.0) == "arrival = nan, required 0 to 1.000000");
  CHECK(check_amount("arrival", 1.0, 1.0).empty());
  CHECK(bounded_power(3, 4, 81) == 81);
  CHECK(bounded_power(3, 4, 80) == -1);
  CHECK(bounded_power(std::int64_t{1} << 40, 8, max_n_states) == -1);
}

}  // namespace
