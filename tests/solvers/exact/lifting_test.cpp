// Systems of integers and of rationals, solved by lifting.
#include "solvers/exact/lifting.hpp"

#include <random>

#include <catch2/catch.hpp>

#include "solvers/exact/rational_chain.hpp"

using namespace mdp;
using namespace mdp::solvers;

namespace {

// A strongly connected chain whose rows sum to 1 - gap.
std::vector<RationalRow> random_chain(std::mt19937_64& random, int n, const mpq_class& gap) {
  std::vector<RationalRow> rows;
  for (int s = 0; s < n; ++s) {
    std::vector<mpq_class> weight(static_cast<std::size_t>(n), 0);
    weight[static_cast<std::size_t>((s + 1) % n)] = 1 + static_cast<int>(random() % 5);
    for (int k = 0; k < 3; ++k) weight[random() % static_cast<std::size_t>(n)] += static_cast<int>(random() % 7);
    mpq_class sum;
    for (const auto& w : weight) sum += w;
    RationalRow row;
    for (std::size_t t = 0; t < weight.size(); ++t) {
      if (weight[t] != 0) row.emplace_back(t, weight[t] / sum * (1 - gap));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

TEST_CASE("a rational is found again from its residue") {
  const mpz_class modulus("1000000000000000000000000000057");
  for (const auto& [num, den] : {std::pair{0, 1}, {5, 1}, {-7, 1}, {12345, 777767}, {-1, 999983}}) {
    mpz_class x, d = den;
    REQUIRE(mpz_invert(x.get_mpz_t(), d.get_mpz_t(), modulus.get_mpz_t()) != 0);
    x *= num;
    mpz_fdiv_r(x.get_mpz_t(), x.get_mpz_t(), modulus.get_mpz_t());
    const auto found = reconstruct_rational(x, modulus, 20);
    REQUIRE(found.has_value());
    CHECK(found->first == num);
    CHECK(found->second == den);
  }
  // A residue that no small fraction has.
  CHECK_FALSE(reconstruct_rational(mpz_class("577215664901532860606512090082"), modulus, 20).has_value());
}

TEST_CASE("lifting solves in integers, common factors of the denominator included") {
  // Determinant 64: a random combination of the components loses powers of two.
  LiftedSystem system({{0, 2, 4}, {0, 1, 0, 1}, {10, -3, -2, 7}});
  const std::vector<mpz_class> b{1, 5};
  const auto x = system.solve(b, {});
  REQUIRE(x.has_value());
  CHECK(10 * x->numerator[0] - 3 * x->numerator[1] == x->denominator);
  CHECK(-2 * x->numerator[0] + 7 * x->numerator[1] == 5 * x->denominator);
  CHECK_FALSE(system.solve(b, [] { return false; }).has_value());
}

TEST_CASE("a chain is solved exactly, however slowly it leaves") {
  std::mt19937_64 random(7);
  for (const char* gap : {"1/2", "1/1000000000", "1/1000000000000000000000000000000000000000000"}) {
    for (const int n : {1, 2, 3, 17, 60}) {
      const auto rows = random_chain(random, n, mpq_class(gap));
      RationalChain chain(rows);
      std::vector<mpq_class> b;
      for (int s = 0; s < n; ++s) {
        b.emplace_back(static_cast<int>(random() % 2001) - 1000, 1 + static_cast<int>(random() % 30));
        b.back().canonicalize();
      }
      const auto x = chain.solve(b, {});
      REQUIRE(x.has_value());
      for (std::size_t s = 0; s < b.size(); ++s) CHECK((*x)[s] == expectation(b[s], rows[s], *x));
    }
  }
}

TEST_CASE("components of a chain are solved in turn, and their sizes are predicted") {
  // 0 <-> 1 -> 2 <-> 3 -> out.
  const mpq_class third(1, 3), half(1, 2);
  RationalChain chain({{{1, half}, {2, half}}, {{0, 1 - third}, {1, third}}, {{3, 1}}, {{2, half}}});
  const std::vector<mpq_class> b{1, 1, 1, 1};
  const auto x = chain.solve(b, {});
  REQUIRE(x.has_value());
  CHECK((*x)[2] == 4);  // x2 = 1 + x3, x3 = 1 + x2/2
  CHECK((*x)[3] == 3);
  CHECK((*x)[0] == mpq_class(15, 2));  // x0 = 1 + x1/2 + 2, x1 = 3/2 + x0
  CHECK((*x)[1] == 9);
  CHECK(chain.size().bytes > 0);
  CHECK(chain.size().operations > 0);
}
