// T4: every potential and every slack, and that nothing else keeps the optimal sets.
#include "equivalence/potential_cost.hpp"

#include <random>

#include <catch2/catch.hpp>

#include "equivalence/equivalent_cost.hpp"
#include "libmdp/error.hpp"
#include "solvers/solve.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using namespace mdp::tests;

TEST_CASE(
    "T4: any potential and slack: V^* = Phi, Q^* = Phi + B and the world's optimal sets, against exact rationals") {
  const auto seed = 14U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 100; ++trial) {
    CAPTURE(trial);
    const auto shape = random_shape(random, 5);
    const Mdp world = random_mdp(random, shape, 0.9), model = random_mdp(random, shape, trial % 2 == 0 ? 0.0 : 0.95);
    const auto truth = solve_exactly(world);
    const auto solved = solvers::solve(world);
    PotentialCostOptions options;
    for (std::size_t s = 0; s < shape.size(); ++s) options.potential.push_back(draw(random, -99, 99) / 8.0);
    for (std::size_t r = 0; r < truth.q.size(); ++r) {
      const auto s = static_cast<std::size_t>(world.state_of(static_cast<Offset>(r)));
      options.slack.push_back(truth.q[r] == truth.values[s] ? 0.0 : draw(random, 1, 30) / 4.0);
    }
    const auto found = potential_cost(world, solved, model, options);
    CAPTURE(found.message);
    REQUIRE(found.status == Status::converged);
    REQUIRE(found.keeps_optimal_sets != Verdict::no);
    REQUIRE(found.q_distance.upper < 1e-7);
    const auto changed = solve_exactly(*found.model);
    for (std::size_t r = 0; r < truth.q.size(); ++r) {
      const auto s = static_cast<std::size_t>(world.state_of(static_cast<Offset>(r)));
      const Rational promised = Rational(options.potential[s]) + Rational(options.slack[r]);
      REQUIRE(std::abs(Rational(changed.q[r] - promised).get_d()) < 1e-12);
    }
  }
}

TEST_CASE("T4: the defaults are T1, Phi = 0 leaves the advantages, and shaping keeps them") {
  std::mt19937 random(3);
  const auto shape = random_shape(random, 5);
  const Mdp world = random_mdp(random, shape, 0.9), model = random_mdp(random, shape, 0.5);
  const auto solved = solvers::solve(world);
  const auto t1 = equivalent_cost(world, solved, model);
  const auto found = potential_cost(world, solved, model);
  REQUIRE(found.cost == t1.cost);
  PotentialCostOptions zero;
  zero.potential.assign(shape.size(), 0.0);
  REQUIRE(potential_cost(world, solved, model, zero).cost == t1.advantage);
  PotentialCostOptions shaping;
  for (std::size_t s = 0; s < shape.size(); ++s) shaping.potential.push_back(solved.values[s] + static_cast<double>(s));
  const auto shaped = potential_cost(world, solved, model, shaping);
  REQUIRE(shaped.slack == found.slack);
  REQUIRE(shaped.status == Status::converged);
}

TEST_CASE("T4: a slack that is zero at the wrong pairs is refused, at ties left open") {
  MdpBuilder b(1);
  b.row(0, 0.0).to(0, 1.0);
  b.row(0, 1.0).to(0, 1.0);
  const Mdp world = b.discount(0.5).build();
  const auto solved = solvers::solve(world);
  const auto with_slack = [&](const Mdp& mdp, std::vector<double> slack) {
    PotentialCostOptions options;
    options.slack = std::move(slack);
    return potential_cost(mdp, solvers::solve(mdp), mdp, options);
  };
  REQUIRE(with_slack(world, {0.0, 7.0}).keeps_optimal_sets == Verdict::yes);
  const auto wrong = with_slack(world, {1.0, 0.0});
  REQUIRE(wrong.keeps_optimal_sets == Verdict::no);
  REQUIRE(wrong.status == Status::refused);
  REQUIRE(wrong.message.find("certainly optimal") != std::string::npos);
  REQUIRE(with_slack(world, {0.0, 0.0}).keeps_optimal_sets == Verdict::no);
  REQUIRE(with_slack(world.with_cost({1.0, 1.0}), {0.0, 1.0}).keeps_optimal_sets == Verdict::undecided);
  REQUIRE(with_slack(world, {0.0, infinity}).status == Status::converged);
}

TEST_CASE("T4: misuse") {
  MdpBuilder b(1);
  b.row(0, 0.0).to(0, 1.0);
  const Mdp world = b.discount(0.5).build();
  const auto solved = solvers::solve(world);
  const auto run = [&](std::vector<double> potential, std::vector<double> slack, const Mdp& model) {
    PotentialCostOptions options;
    options.potential = std::move(potential);
    options.slack = std::move(slack);
    return potential_cost(world, solved, model, options);
  };
  REQUIRE_THROWS_WITH(run({1.0, 2.0}, {}, world), Catch::Contains("potential of 2 entries, required n_states = 1"));
  REQUIRE_THROWS_WITH(run({infinity}, {}, world), Catch::Contains("potential at state 0"));
  REQUIRE_THROWS_WITH(run({}, {-1.0}, world), Catch::Contains("slack at state 0, action 0: -1"));
  REQUIRE_THROWS_WITH(run({}, {1.0}, world), Catch::Contains("no action of state 0 has slack 0"));
  REQUIRE_THROWS_WITH(run({}, {}, world.with_discount(1.0)), Catch::Contains("discount is 1"));
}
