// Runs that are stopped, numbers at the edge of doubles, misuse: the status says so and the bounds still hold.
#include <cmath>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "solvers/absorbing_sweeps.hpp"
#include "solvers/criterion.hpp"
#include "tests/oracles/policy_enumeration.hpp"

using namespace mdp;
using namespace mdp::oracles;
using namespace mdp::solvers;

TEST_CASE("bounds hold after any number of sweeps", "[criteria]") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto model = random_model(seed, {.negative = false});
    const Mdp mdp = model.build();
    for (const std::int64_t sweeps : {0, 1, 2}) {
      INFO("seed " << seed << ", stopped after " << sweeps);
      CriterionOptions options;
      std::int64_t seen = 0;
      options.solve.observer = [&](const SweepRecord&) { return ++seen <= sweeps; };
      const auto check = [&](const std::vector<Extended>& truth, const std::vector<double>& lower,
                             const std::vector<double>& upper, const CriterionResult& r) {
        const bool expected = r.status == Status::converged || r.status == Status::interrupted;
        CHECK(expected);
        for (std::size_t s = 0; s < truth.size(); ++s) CHECK(truth[s].within(lower[s], upper[s]));
      };
      seen = 0;
      const auto reach = solve_criterion(mdp, Criterion::reach, options);
      check(reach_values(model), reach.value_lower, reach.value_upper, reach);
      seen = 0;
      const auto goal = solve_criterion(mdp, Criterion::goal, options);
      check(goal_values(model, false), goal.value_lower, goal.value_upper, goal);
      seen = 0;
      const auto average = solve_criterion(mdp, Criterion::average, options);
      check(gains(model), average.gain_lower, average.gain_upper, average);
    }
  }
}

TEST_CASE("approximate answers have no bounds", "[criteria]") {
  const auto model = random_model(3, {.negative = false});
  CriterionOptions options;
  options.solve.level = Level::approximate;
  const auto r = solve_criterion(model.build(), Criterion::goal, options);
  CHECK(r.level == Level::approximate);
  CHECK(r.value_lower.empty());
  CHECK(r.values.size() == model.n());
}

TEST_CASE("sweeps enclose what elimination finds", "[criteria]") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    INFO("seed " << seed);
    auto model = random_model(seed, {.max_states = 5, .negative = false});
    model.objective = Objective::minimize;
    const auto mdp = model.build();
    const auto best = solve_criterion(mdp, Criterion::reach);
    // The states between 0 and 1, all rows, cost 1 each: every policy exits.
    graph::Reduction reduction;
    for (const double p : best.values) reduction.state_of.push_back(p > 0.0 && p < 1.0 ? reduction.n_states++ : -1);
    const std::vector<TwoDouble> cost(static_cast<std::size_t>(mdp.n_rows()), 1.0);
    reduction.cost = cost;
    const auto m = graph::reduce(mdp, reduction);
    if (m.n_states() == 0) continue;
    const SolveOptions options;
    Run run(options);
    Run other(options);
    const auto exact = solve_absorbing(m, run);
    const auto swept = solve_by_sweeps(m, other);
    REQUIRE(exact.end == AbsorbingEnd::enclosed);
    REQUIRE(swept.end == AbsorbingEnd::enclosed);
    for (std::size_t s = 0; s < exact.value.size(); ++s) {
      const double difference = (exact.value[s] - swept.value[s]).value();
      CHECK(difference <= swept.above[s] + exact.below[s]);
      CHECK(-difference <= swept.below[s] + exact.above[s]);
      CHECK(swept.above[s] + swept.below[s] <= 1e-9 * exact.value[s].hi * exact.value[s].hi);
    }
  }
}

TEST_CASE("costs of any size come out to their own tolerance", "[criteria]") {
  for (const double size : {1e-300, 1e-9, 1.0, 1e250}) {
    INFO("costs of " << size);
    MdpBuilder b(3);
    b.row(0, size).to(0, 0.5).to(1, 0.5);
    b.row(1, 2.0 * size).to(0, 0.25).to(2, 0.75);
    b.row(1, 5.0 * size).to(2, 1.0);
    b.goal(2);
    const Mdp mdp = b.build();
    const auto goal = solve_criterion(mdp, Criterion::goal);
    CHECK(goal.converged());
    CHECK(goal.values[1] == Approx(10.0 / 3.0 * size).epsilon(1e-14).margin(0.0));
    const auto average = solve_criterion(mdp, Criterion::average);
    CHECK(average.converged());
    CHECK(average.gain[0] == 0.0);
  }
}

TEST_CASE("misuse is refused", "[criteria]") {
  MdpBuilder b(2);
  b.row(0, 1.0).to(1, 1.0);
  b.goal(1);
  const Mdp mdp = b.build();
  CHECK_THROWS_AS(solve_criterion(mdp, Criterion::finite), InvalidOption);
  CHECK_THROWS_AS(solve_criterion(mdp, Criterion::discounted), InvalidArgument);
  CriterionOptions options;
  options.horizon = 1;
  options.terminal = {1.0};
  CHECK_THROWS_AS(solve_criterion(mdp, Criterion::finite, options), InvalidArgument);
  options.terminal = {1.0, -infinity};
  CHECK_THROWS_AS(solve_criterion(mdp, Criterion::finite, options), InvalidArgument);
  CHECK_THROWS_AS(criterion_from_string("averages"), InvalidOption);
  CHECK(criterion_from_string("average") == Criterion::average);
  CHECK(improper_from_string(to_string(Improper::excluded)) == Improper::excluded);
}
