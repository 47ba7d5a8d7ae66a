#include "libmdp/generate/chain.hpp"

#include <cmath>

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "tests/support/array_hash.hpp"

namespace {

using mdp::Mdp;
using mdp::Offset;
using namespace mdp::generate;

TEST_CASE("chain: moves, costs and goal follow the law") {
  const Mdp m = chain({.states = 200, .discount = 0.9999, .seed = 3});
  CHECK(m.n_rows() == 600);
  CHECK(std::vector<mdp::State>(m.goal().begin(), m.goal().end()) == std::vector<mdp::State>{199});
  const auto row = [&](mdp::State s, mdp::Action a) {
    std::vector<std::pair<mdp::State, double>> entries;
    const Offset r = m.state_rows()[s] + a;
    for (Offset k = m.row_begin()[r]; k < m.row_begin()[r + 1]; ++k) {
      entries.emplace_back(m.next_state()[k], m.probability()[k]);
    }
    return entries;
  };
  using Row = std::vector<std::pair<mdp::State, double>>;
  CHECK(row(100, 0) == Row{{100, 0.1}, {101, 0.9}});
  CHECK(row(100, 1) == Row{{80, 0.15}, {105, 0.85}});
  CHECK(row(100, 2) == Row{{40, 0.44}, {150, 0.56}});
  CHECK(row(3, 2) == Row{{0, 0.44}, {53, 0.56}});
  CHECK(row(197, 1) == Row{{177, 0.15}, {199, 0.85}});
  CHECK(row(199, 2) == Row{{199, 1.0}});
  double mean = 0.0;
  for (mdp::State s = 0; s < 199; ++s) {
    for (int a = 0; a < 3; ++a) {
      const double scaled = m.cost()[3 * s + a] / (1.0 + 0.5 * a);
      CHECK((scaled >= 0.5 && scaled < 1.5));
      mean += scaled / 597;
    }
  }
  CHECK(std::abs(mean - 1.0) < 5.0 * std::sqrt(1.0 / 12 / 597));
  CHECK(m.cost()[597] == 0.0);
}

TEST_CASE("chain: the same bits everywhere, other bits for another seed") {
  CHECK(mdp::tests::array_hash(chain({.states = 1000, .seed = 1})) == 0x39f2cd74a39f9843);
  CHECK(mdp::tests::array_hash(chain({.states = 1000, .seed = 2})) != 0x39f2cd74a39f9843);
}

TEST_CASE("Haddad-Monmege: the expected number of steps is 3 2^(n-1) - 2") {
  // With D_k = E_start - E_k along a branch: D_0 = 1, D_(k+1) = 2 (D_k + 1), and D_(n-1) = E_start. All exact in double.
  for (const std::int64_t n : {1, 2, 20, 50}) {
    const Mdp m = haddad_monmege({.length = n});
    REQUIRE(m.n_states() == 1 + 2 * n);
    const double start = 3.0 * std::ldexp(1.0, static_cast<int>(n) - 1) - 2.0;
    std::vector<double> v(static_cast<std::size_t>(m.n_states())), tv(v.size());
    v[0] = start;
    double difference = 1.0;
    for (std::size_t k = 0; k < static_cast<std::size_t>(n); ++k, difference = 2.0 * (difference + 1.0)) {
      v[1 + 2 * k] = v[2 + 2 * k] = start - difference;
    }
    CHECK(v[v.size() - 1] == 0.0);
    const auto range = mdp::kernels::bellman_sweep(m, v, tv, {}, 1);
    CHECK(std::max(-range.min, range.max) <= 0x1p-50 * start);
    CHECK(m.goal().size() == 2);
  }
}

TEST_CASE("chains refuse numbers that mean nothing") {
  using Catch::Matchers::Contains;
  CHECK_THROWS_WITH(chain({.states = 0}), Contains("chain: states = 0, required 1 to 2147483646"));
  CHECK_THROWS_WITH(haddad_monmege({.length = 0}), Contains("length = 0"));
  CHECK_THROWS_WITH(haddad_monmege({.advance = 0.0}), Contains("advance = 0.000000, required above 0"));
  CHECK_THROWS_WITH(haddad_monmege({.first_branch = 1.5}), Contains("first_branch = 1.500000, required 0 to 1"));
}

}  // namespace
