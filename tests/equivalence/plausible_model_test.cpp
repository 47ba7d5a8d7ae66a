// T10: the plausible deterministic model, its bound, its true error, and rows whose support is not connected.
#include "equivalence/plausible_model.hpp"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "solvers/solve.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using namespace mdp::tests;

namespace {

// A walk on a line: each row moves to s-1, s, s+1 with probabilities k/sum; V* varies.
Mdp walk(std::mt19937& random, int n) {
  MdpBuilder b(n);
  for (int s = 0; s < n; ++s) {
    for (int a = 0; a < 2; ++a) {
      int w[3];
      int sum = 0;
      for (int k = -1; k <= 1; ++k) sum += w[k + 1] = s + k < 0 || s + k >= n ? 0 : draw(random, 1, 5);
      b.row(s, draw(random, -20, 20) / 4.0);
      for (int k = -1; k <= 1; ++k) {
        if (w[k + 1] > 0) b.to(s + k, w[k + 1] / static_cast<double>(sum));
      }
    }
  }
  return b.discount(Discount(0.9)).build();
}

}  // namespace

TEST_CASE("T10: connected supports: the bound gamma max J/2 holds for the exact error, and is tight") {
  const auto seed = 20261203U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 60; ++trial) {
    const Mdp world = walk(random, draw(random, 3, 7));
    const auto solution = solve_exactly(world);
    const Known known(solution.values);
    const auto result = plausible_model(world, known.view());
    REQUIRE(result.n_disconnected == 0);
    const auto exact = exact_model_of(world);
    const auto model = exact_model_of(*result.model);
    const auto in_model = exact_q(model, solution.values);
    Rational epsilon = 0, jump = 0;
    for (std::size_t row = 0; row < in_model.size(); ++row) {
      epsilon = std::max(epsilon, Rational(abs(in_model[row] - solution.q[row])));
      REQUIRE(model.rows[row].to.size() == 1);
      const auto s = model.rows[row].to[0].first;
      bool possible = false;
      for (const auto& [next, p] : exact.rows[row].to) possible = possible || next == s;
      REQUIRE(possible);  // supp rho^ in supp rho
      const auto& to = exact.rows[row].to;
      for (std::size_t k = 1; k < to.size(); ++k) {  // the edges of the line inside the row
        jump = std::max(jump, Rational(abs(solution.values[static_cast<std::size_t>(to[k].first)] -
                                           solution.values[static_cast<std::size_t>(to[k - 1].first)])));
      }
    }
    REQUIRE(epsilon <= Rational(result.epsilon));
    REQUIRE(Rational(result.epsilon) <= epsilon + Rational(1e-12));
    REQUIRE(result.epsilon <= result.bound);
    REQUIRE(result.bound == Approx(Rational(exact.discount * jump / 2).get_d()).epsilon(1e-12));  // gamma max J/2
  }
  // Tight: two neighbours, equally likely.
  MdpBuilder b(3);
  b.row(0, 0.0).to(1, 0.5).to(2, 0.5);
  b.row(1, 0.0).to(1, 1.0);
  b.row(2, 1.0).to(2, 0.9).to(1, 0.1);
  const Mdp world = b.discount(Discount(0.5)).build();
  const Known known(solve_exactly(world).values);
  const auto result = plausible_model(world, known.view());
  REQUIRE(result.rows[0].error == Approx(result.rows[0].bound));
}

TEST_CASE("T10: a support in several components is reported with what it costs; a given graph can join it") {
  MdpBuilder b(4);
  b.row(0, 0.0).to(1, 0.5).to(3, 0.5);
  b.row(1, 0.0).to(1, 1.0);
  b.row(2, 1.0).to(2, 1.0);
  b.row(3, 2.0).to(3, 1.0);
  const Mdp world = b.discount(Discount(0.5)).build();  // V* = (1, 0, 2, 4)
  const Known known(solve_exactly(world).values);
  const auto result = plausible_model(world, known.view());
  REQUIRE(result.n_disconnected == 1);
  REQUIRE(result.rows[0].n_components == 2);
  REQUIRE(result.rows[0].separated[0] == 1);
  REQUIRE(result.rows[0].separated[1] == 3);
  REQUIRE(result.rows[0].error == 2.0);
  REQUIRE(result.rows[0].bound == Approx(2.0));  // half the gap
  REQUIRE(result.epsilon == Approx(1.0));
  graph::NeighbourGraph ring{{0, 0, 1, 1, 2}, {3, 1}};
  REQUIRE(plausible_model(world, known.view(), &ring).n_disconnected == 0);
  REQUIRE_THROWS_AS(plausible_model(world, known.view(),
                                    std::make_unique<graph::NeighbourGraph>(graph::NeighbourGraph{{0, 0}, {}}).get()),
                    InvalidArgument);
}

TEST_CASE("T10: on a gridworld the error is within its bound, and pairs with infinite Q* keep their rows") {
  const Mdp world = generate::gridworld(generate::frozenlake8x8());
  const auto solved = solvers::solve(world);
  const auto result = plausible_model(world, solved);
  REQUIRE(result.epsilon <= result.bound);
  REQUIRE(result.epsilon > 0.0);
  MdpBuilder b(2);
  b.row(0, 1.0).to(0, 1.0);
  b.row(0, infinity).to(0, 0.5).to(1, 0.5);
  b.row(1, infinity).to(1, 1.0);
  const Mdp blocked = b.discount(Discount(0.5)).build();
  const std::vector<double> v{2.0, infinity};
  const auto kept = plausible_model(blocked, KnownValues(v, v, v));
  REQUIRE(kept.rows[1].successor == -1);
  REQUIRE(kept.model->n_transitions() == 4);
}
