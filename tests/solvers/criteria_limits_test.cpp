// Runs that are stopped, numbers at the edge of doubles, misuse: the status says so and the bounds still hold (C5).
#include <cmath>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "solvers/applicability.hpp"
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

TEST_CASE("the smallest of costs of all sizes is not lost beside the largest", "[criteria]") {
  // Scaled so that the largest is about 1, the smallest would be 0.
  for (const double largest : {1e37, 1e250}) {
    INFO("largest cost " << largest);
    MdpBuilder b(4);
    b.row(0, 0.0).to(0, 0.5).to(1, 0.5);
    b.row(0, 4e-30).to(2, 1.0);
    b.row(1, 2e-299).to(3, 1.0);
    b.row(2, largest).to(3, 1.0);
    b.row(3, 0.0).to(3, 1.0);
    const Mdp mdp = std::move(b).build();
    const auto r = solve_criterion(mdp, Criterion::total, {});
    for (const std::size_t s : {0, 1}) {
      CAPTURE(s, r.message);
      CHECK(r.value_lower[s] <= 2e-299);
      CHECK(r.value_upper[s] >= 2e-299);
      CHECK(r.value_upper[s] > 0.0);
    }
    CHECK(r.converged());
  }
}

TEST_CASE("a long cycle of mean cost exactly 0 is told from one just below", "[criteria]") {
  // A ring of n states that costs 1/3 and pays as much back on its last step (with 1e-24 more or not), and a way out.
  const State n = 400;
  for (const bool gains : {false, true}) {
    CAPTURE(gains);
    MdpArrays a;
    a.row_begin = {0};
    const auto row = [&](State to, double cost, double tail) {
      a.next_state.push_back(to);
      a.probability.push_back(1.0);
      a.row_begin.push_back(static_cast<Offset>(a.next_state.size()));
      a.cost.push_back(cost);
      a.cost_tail.push_back(tail);
    };
    for (State s = 0; s < n; ++s) {
      a.state_rows.push_back(static_cast<Offset>(a.row_begin.size()) - 1);
      if (s + 1 < n)
        row(s + 1, 0.5, 0.0);
      else
        row(0, -0.5 * (n - 1), gains ? -0x1p-80 : 0.0);
      if (s == 7) row(n, 2.0, 0.0);
    }
    a.state_rows.push_back(static_cast<Offset>(a.row_begin.size()) - 1);
    a.state_rows.push_back(a.state_rows.back());
    a.goal = {n};
    const auto r = solve_criterion(build(std::move(a)), Criterion::goal);
    CAPTURE(r.message);
    CHECK(r.converged());
    CHECK(r.values[7] == (gains ? -infinity : 2.0));
    CHECK(r.values[0] == (gains ? -infinity : 5.5));
  }
}

TEST_CASE("relative value iteration: periodic components, and large ones by auto", "[criteria]") {
  for (const State n : {8, 3000}) {  // every transition leads from even to odd states and back
    MdpBuilder b(n);
    for (State s = 0; s < n; ++s) {
      b.row(s, s % 2 == 0 ? 1.0 : 0.25).to((s + 1) % n, 1.0);
      b.row(s, 0.75).to((s + 1) % n, 0.5).to((s + 3) % n, 0.5);
    }
    const Mdp mdp = b.build();
    CriterionOptions options;
    options.solve.tolerance = 1e-6;
    const auto automatic = solve_criterion(mdp, Criterion::average, options);
    CHECK(automatic.converged());
    options.solve.method = Method::value_iteration;
    options.solve.max_sweeps = n == 8 ? 100'000 : 200;
    const auto swept = solve_criterion(mdp, Criterion::average, options);
    CHECK((n > 8 || swept.converged()));
    CHECK(swept.gain_lower[0] <= automatic.gain_upper[0]);
    CHECK(swept.gain_upper[0] >= automatic.gain_lower[0]);
    CHECK(swept.gain_upper[0] - swept.gain_lower[0] < 0.01);  // where whole steps would go round for ever
  }
}

TEST_CASE("no time at all, or asked to stop: every method stops, says so, and its bounds hold", "[criteria]") {
  const bool asked = GENERATE(false, true);
  generate::GridworldOptions grid;
  grid.width = grid.height = 40;
  grid.discount = 1.0;
  const Mdp mdp = generate::gridworld(grid);
  for (const Criterion criterion : {Criterion::goal, Criterion::reach, Criterion::total, Criterion::average}) {
    const auto truth = solve_criterion(mdp, criterion, {});
    REQUIRE(truth.converged());
    for (const Method method : all_methods()) {
      CAPTURE(to_string(criterion), to_string(method));
      if (method == Method::soft_value_iteration || !why_not(method, mdp, criterion).empty()) continue;
      CriterionOptions options;
      options.solve.method = method;
      if (asked)
        options.solve.keep_going = [] { return false; };
      else
        options.solve.time_limit_seconds = 1e-9;
      const auto r = solve_criterion(mdp, criterion, options);
      CHECK((r.converged() || r.status == (asked ? Status::interrupted : Status::time_limit)));
      for (std::size_t s = 0; s < r.value_lower.size(); ++s) {
        REQUIRE(r.value_lower[s] <= truth.value_upper[s]);
        REQUIRE(r.value_upper[s] >= truth.value_lower[s]);
      }
    }
  }
}

TEST_CASE("a start vector changes the way, not the answer", "[criteria]") {
  generate::GridworldOptions grid;
  grid.width = grid.height = 30;
  const Mdp mdp = generate::gridworld(grid);
  for (const Method method : {Method::automatic, Method::value_iteration, Method::inexact_policy_iteration}) {
    CAPTURE(to_string(method));
    CriterionOptions options;
    options.solve.method = method;
    const auto cold = solve_criterion(mdp, Criterion::goal, options);
    options.solve.start = cold.values;
    const auto warm = solve_criterion(mdp, Criterion::goal, options);
    REQUIRE(cold.converged());
    REQUIRE(warm.converged());
    CHECK(warm.sweeps <= cold.sweeps);
    CHECK(warm.sweeps <= 3);
    for (std::size_t s = 0; s < cold.values.size(); ++s) {
      REQUIRE(std::abs(warm.values[s] - cold.values[s]) <= cold.value_error_bound + warm.value_error_bound);
    }
    options.solve.start.assign(cold.values.size(), -1e6);
    CHECK(solve_criterion(mdp, Criterion::goal, options).converged());
    options.solve.start.resize(3);
    CHECK_THROWS_AS(solve_criterion(mdp, Criterion::goal, options), InvalidArgument);
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

TEST_CASE("each component of an average problem has bounds of its own width, and starts from relative values",
          "[criteria]") {
  MdpBuilder b(4);
  b.row(0, 1e12 / 3.0).to(0, 0.3).to(1, 0.7);  // a gain of 1e12: known to 1e-4, which is close enough there
  b.row(1, 2e12).to(0, 1.0);
  b.row(2, 1.0).to(3, 1.0);  // a gain of 3/2
  b.row(3, 2.0).to(2, 1.0);
  const Mdp mdp = b.build();
  CriterionOptions options;
  for (const Method method : {Method::automatic, Method::value_iteration}) {
    options.solve.method = method;
    const auto r = solve_criterion(mdp, Criterion::average, options);
    CHECK(r.converged());
    CHECK(r.gain_upper[0] > r.gain_lower[0]);
    CHECK(r.gain_upper[2] - r.gain_lower[2] < 4e-9);
    CHECK(std::abs(r.gain[2] - 1.5) < 2e-9);
  }
  const auto cold = solve_criterion(mdp, Criterion::average, options);
  options.solve.start = cold.iterate;
  const auto warm = solve_criterion(mdp, Criterion::average, options);
  CHECK(warm.converged());
  CHECK(warm.sweeps < cold.sweeps);
  options.solve.start.assign(4, infinity);  // no relative values: as if there were no start
  CHECK(solve_criterion(mdp, Criterion::average, options).sweeps == cold.sweeps);
}
