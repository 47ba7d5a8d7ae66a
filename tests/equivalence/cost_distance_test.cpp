// Canonical costs and their distance; soft equivalence.
#include "equivalence/cost_distance.hpp"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "equivalence/soft_equivalence.hpp"
#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;

namespace {

// L + scale * (Phi - gamma P Phi).
std::vector<double> shaped(const Mdp& mdp, std::mt19937& random, double factor) {
  std::vector<double> phi(static_cast<std::size_t>(mdp.n_states()));
  for (double& x : phi) x = static_cast<double>(random() % 200) / 10.0 - 10.0;
  std::vector<double> cost;
  for (Offset row = 0; row < mdp.n_rows(); ++row) {
    const auto r = static_cast<std::size_t>(row);
    double next = 0.0;
    for (Offset k = mdp.row_begin()[r]; k < mdp.row_begin()[r + 1]; ++k) {
      next += mdp.probability()[static_cast<std::size_t>(k)] *
              phi[static_cast<std::size_t>(mdp.next_state()[static_cast<std::size_t>(k)])];
    }
    cost.push_back(factor * mdp.cost()[r] + phi[static_cast<std::size_t>(mdp.state_of(row))] - mdp.discount() * next);
  }
  return cost;
}

}  // namespace

TEST_CASE("shaping and positive factors do not change the canonical direction; the opposite is at distance 1") {
  std::mt19937 random(61);
  for (int trial = 0; trial < 60; ++trial) {
    const Mdp mdp = tests::random_mdp(random, {2, 3, 1, 2}, Discount(0.75));
    const CanonicalCost form = canonical_cost(mdp);
    const CanonicalCost again = canonical_cost(mdp.with_cost(Buffer<double>(form.cost.begin(), form.cost.end())));
    for (std::size_t row = 0; row < form.cost.size(); ++row) {
      REQUIRE(std::abs(again.cost[row] - form.cost[row]) <= again.error_bound + form.error_bound * 8.0);
    }
    const CostDistance same = cost_distance(mdp, shaped(mdp, random, 2.5));
    REQUIRE(same.value < 1e-7);
    REQUIRE(same.range.lower == 0.0);
    const CostDistance opposite = cost_distance(mdp, shaped(mdp, random, -1.0));
    REQUIRE(opposite.value == Approx(1.0).epsilon(1e-7));
    REQUIRE(opposite.range.upper >= 1.0 - 1e-9);
    REQUIRE(opposite.range.lower > 0.999);
  }
}

TEST_CASE("a canonical cost is the advantage under the uniform policy, by hand") {
  MdpBuilder b(2);
  b.row(0, 0.0).to(0, 1.0);
  b.row(0, 1.0).to(1, 1.0);
  b.row(1, 2.0).to(1, 1.0);
  const Mdp mdp = b.discount(Discount(0.5)).build();
  // V(1) = 4; V(0) = 1/2 (0 + V(0)/2) + 1/2 (1 + 2) = 2; Q(0,.) = (1, 3).
  const CanonicalCost form = canonical_cost(mdp);
  REQUIRE(form.cost[0] == Approx(-1.0).margin(1e-9));
  REQUIRE(form.cost[1] == Approx(1.0).margin(1e-9));
  REQUIRE(form.cost[2] == Approx(0.0).margin(1e-9));
  REQUIRE_THROWS_WITH(cost_distance(mdp, std::vector<double>{1.0}), Catch::Contains("1 costs, required 3"));
  REQUIRE_THROWS_WITH(cost_distance(mdp, std::vector<double>{1.0, infinity, 1.0}),
                      Catch::Contains("state 0, action 1"));
}

TEST_CASE("T1 holds verbatim for soft values: same values, same soft policy, any transitions and discount") {
  std::mt19937 random(67);
  for (int trial = 0; trial < 40; ++trial) {
    const std::vector<int> shape = tests::random_shape(random, 6);
    const Mdp world = tests::random_mdp(random, shape, Discount(0.75));
    const Mdp model = tests::random_mdp(random, shape, Discount(trial % 3 == 0 ? 0.0 : 0.5));
    solvers::SoftOptions options;
    options.temperature = 0.5;
    if (trial % 2 == 0) options.reference = uniform_policy(world);
    const auto solution = solvers::solve_soft(world, options);
    const SoftEquivalence found = soft_equivalent_cost(world, solution, model, options);
    REQUIRE(found.status == Status::converged);
    REQUIRE(found.value_distance_bound < 1e-7);
    REQUIRE(found.log_policy_distance_bound < 1e-6);
    for (std::size_t s = 0; s < solution.values.size(); ++s) {
      REQUIRE(std::abs(found.solved.values[s] - solution.values[s]) <= found.value_distance_bound);
    }
  }
}

TEST_CASE("T6, T7 hold verbatim for soft values: rows that keep the soft Q, and the soft policy") {
  const auto seed = 79U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  int n_made = 0, n_shifted = 0;
  for (int trial = 0; trial < 60; ++trial) {
    CAPTURE(trial);
    const std::vector<int> shape = tests::random_shape(random, 6);
    const Mdp world = tests::random_mdp(random, shape, Discount(0.75));
    const Mdp reference = tests::random_mdp(random, shape, Discount(0.75));
    solvers::SoftOptions options;
    options.temperature = 0.5;
    const auto solution = solvers::solve_soft(world, options);
    const bool other_discount = trial % 2 == 0;
    EquivalentModelOptions rows{.divergence = Divergence::l2, .support = {SupportRule::all, 0, {}}};
    if (other_discount) rows.discount = Discount(0.6);
    if (other_discount) rows.shift = {};
    const SoftModel found = soft_equivalent_model(world, solution, reference, rows, options);
    if (found.rows.n_infeasible > 0) continue;
    ++n_made;
    n_shifted += found.rows.shift != 0.0 ? 1 : 0;
    REQUIRE(found.status == Status::converged);
    CHECK(found.value_distance_bound < 1e-7);
    CHECK(found.log_policy_distance_bound < 1e-6);
    const auto own = solvers::solve_soft(*found.rows.model, options);
    for (std::size_t row = 0; row < own.q.size(); ++row) {
      if (solution.q[row] == infinity) continue;
      CHECK(own.q[row] == Approx(solution.q[row] + found.rows.shift).margin(1e-7));
    }
  }
  CHECK(n_made > 25);
  CHECK(n_shifted > 5);
  const Mdp world = tests::random_mdp(random, {1, 2}, Discount(0.75));
  CHECK_THROWS_WITH(soft_equivalent_model(world, solvers::solve_soft(world, {.temperature = 1.0}), world,
                                          {.discount = Discount(1.0)}, {.temperature = 1.0}),
                    Catch::Contains("below 1"));
}

TEST_CASE("misuse of the soft equivalent cost") {
  std::mt19937 random(71);
  const Mdp world = tests::random_mdp(random, {1, 2}, Discount(0.75));
  const auto solution = solvers::solve_soft(world, {.temperature = 1.0});
  REQUIRE_THROWS_WITH(soft_equivalent_cost(world, solution, world.with_discount(Discount(1.0)), {.temperature = 1.0}),
                      Catch::Contains("below 1"));
  REQUIRE_THROWS_WITH(soft_equivalent_cost(world, solution, world, {.temperature = 2.0}),
                      Catch::Contains("not one of this world at this temperature"));
}
