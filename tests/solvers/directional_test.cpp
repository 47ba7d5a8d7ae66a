#include "solvers/directional.hpp"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "solvers/solve.hpp"
#include "tests/oracles/raw_mdp.hpp"
#include "tests/support/directions.hpp"

namespace {

using namespace mdp;
using namespace mdp::solvers;
using mdp::tests::random_direction;
using Rational = mpq_class;

std::vector<Rational> optimal(const Mdp& mdp, const EntryDirection& d, const Rational& by) {
  auto r = oracles::raw<Rational>(mdp);
  for (std::size_t row = 0; row < d.cost.size(); ++row) r.cost[row] += by * Rational(d.cost[row]);
  for (std::size_t k = 0; k < d.probability.size(); ++k) r.probability[k] += by * Rational(d.probability[k]);
  r.discount += by * Rational(d.discount);
  return oracles::optimal_values(r);
}

// Three states in which actions tie exactly: V* = (4, 4, 2), gamma = 1/2.
Mdp tied() {
  MdpBuilder b(3);
  b.discount(0.5);
  b.row(0, 2.0).to(0, 1.0);             // 2 + 2
  b.row(0, 3.0).to(2, 1.0);             // 3 + 1
  b.row(0, 2.5).to(1, 0.5).to(2, 0.5);  // 2.5 + 1.5
  b.row(0, 9.0).to(2, 1.0);
  b.row(1, 2.0).to(0, 1.0);
  b.row(1, 3.0).to(2, 1.0);
  b.row(2, 1.0).to(2, 1.0);
  return b.build();
}

}  // namespace

TEST_CASE("D3: at ties the one-sided derivatives are one-sided differences in rationals") {
  const std::uint64_t seed = 8;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const Mdp mdp = tied();
  const SolveResult solution = solve(mdp);
  const Rational h(0x1p-60);
  double kink = 0.0;
  for (int trial = 0; trial < 20; ++trial) {
    const EntryDirection direction = random_direction(mdp, random);
    const DirectionalDerivative d = directional_derivative(mdp, solution, direction);
    REQUIRE(d.status == Status::converged);
    CHECK(d.level == Level::approximate);  // bounds cannot prove a tie
    REQUIRE(d.ties.size() == 2);
    CHECK(d.ties[0].actions == std::vector<Action>{0, 1, 2});
    CHECK(d.ties[1].actions == std::vector<Action>{0, 1});
    CHECK(d.tie_margin < 1e-7);
    const auto at = optimal(mdp, direction, 0), up = optimal(mdp, direction, h), down = optimal(mdp, direction, -h);
    for (State s = 0; s < 3; ++s) {
      const double right = Rational((up[s] - at[s]) / h).get_d();
      const double left = Rational((at[s] - down[s]) / h).get_d();
      CHECK(std::abs(d.right[s] - right) <= d.error_bound + 1e-12);
      CHECK(std::abs(d.left[s] - left) <= d.error_bound + 1e-12);
      CHECK(d.left[s] >= d.right[s] - 2 * d.error_bound);  // V* is a minimum: concave where costs move
      kink = std::max(kink, left - right);
    }
    CHECK(d.error_bound < 1e-6);
  }
  CHECK(kink > 0.1);
}

TEST_CASE("D3 is D1 where nothing ties, on both sides") {
  std::mt19937_64 random(2);
  const Mdp mdp = generate::garnet({.shape = {.states = 40, .actions = 3, .successors = 4}, .discount = 0.96875});
  const SolveResult solution = solve(mdp);
  const EntryDirection direction = random_direction(mdp, random);
  const DirectionalDerivative d = directional_derivative(mdp, solution, direction);
  const ForwardDerivative d1 = linearise_optimum(mdp, solution).jvp(direction);
  CHECK(d.level == Level::certified);
  CHECK(d.ties.empty());
  for (State s = 0; s < mdp.n_states(); ++s) {
    CHECK(std::abs(d.right[s] - d1.values[s]) <= d.error_bound + d1.value_error_bound);
    CHECK(std::abs(d.left[s] - d1.values[s]) <= d.error_bound + d1.value_error_bound);
  }
  CHECK(d.right_policy == solution.policy);
}

TEST_CASE("D3: duplicates are ties that are proved; infinite values have no derivative") {
  MdpBuilder b(3);
  b.discount(0.5);
  b.row(0, 1.0).to(1, 1.0);
  b.row(0, 1.0).to(1, 1.0);
  b.row(1, 2.0).to(1, 1.0);
  b.row(2, infinity).to(0, 1.0);
  const Mdp mdp = b.build();
  EntryDirection direction = zero_direction(mdp);
  direction.cost[0] = 1.0;
  const DirectionalDerivative d = directional_derivative(mdp, solve(mdp), direction);
  CHECK(d.level == Level::certified);
  CHECK(d.right[0] == Approx(0.0).margin(1e-12));  // the other stays
  CHECK(d.left[0] == Approx(1.0));
  CHECK(d.left_policy[0] == 0);
  CHECK(d.right_policy[0] == 1);
  CHECK(std::isnan(d.right[2]));
  CHECK_THROWS_AS(directional_derivative(mdp, solve(mdp), EntryDirection{}), InvalidArgument);
}

TEST_CASE("D3: the gradient of the initial value counts ties only where optimal policies go") {
  MdpBuilder b(3);
  b.discount(0.5);
  b.row(0, 1.0).to(1, 1.0);
  b.row(1, 2.0).to(1, 1.0);
  b.row(2, 1.0).to(1, 1.0);
  b.row(2, 2.0).to(0, 0.5).to(1, 0.5);  // 1 + 2 = 2 + 0.5 (1.5 + 2) is no tie; see below
  b.row(2, 1.25).to(0, 0.5).to(1, 0.5);
  b.initial(0, 1.0);
  Mdp mdp = b.build();
  // V = (3, 4): 1 + 2 = 3, 1.25 + 1.75 = 3: tied in state 2.
  const OptimumGradient g = optimum_gradient(mdp, solve(mdp));
  CHECK(g.reverse.status == Status::converged);
  CHECK(g.ties.empty());
  CHECK(g.reverse.gradient.cost == std::vector<double>{1.0, 1.0, 0.0, 0.0, 0.0});
  CHECK(linearise_optimum(mdp, solve(mdp)).status() == Status::refused);
  const Mdp from_there = mdp.with_initial(std::vector<double>{0.5, 0.0, 0.5});
  const OptimumGradient refused = optimum_gradient(from_there, solve(from_there));
  CHECK(refused.reverse.status == Status::refused);
  REQUIRE(refused.ties.size() == 1);
  CHECK(refused.ties[0].actions == std::vector<Action>{0, 2});
}
