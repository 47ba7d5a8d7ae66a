// The exact level against oracles that share nothing with it.
#include "solvers/exact/exact_answer.hpp"

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"
#include "tests/oracles/exact_solver.hpp"

using namespace mdp;
using namespace mdp::solvers;

TEST_CASE("discounted: V*, q and the optimal actions of random models are those of an independent solver") {
  std::mt19937_64 random(11);
  for (int i = 0; i < 60; ++i) {
    INFO("model " << i);
    oracles::RandomOptions options;
    options.states = 1 + i % 12;
    options.rational = i % 2 == 0;
    options.inadmissible = i % 3 == 0 ? 0.2 : 0.0;
    options.discount = i % 5 == 0 ? mpq_class(0) : i % 5 == 1 ? mpq_class("999999999/1000000000") : mpq_class(9, 10);
    options.objective = i % 4 == 0 ? Objective::maximize : Objective::minimize;
    const auto problem = oracles::random_problem(random, options);
    const auto truth = oracles::optimal_values(problem.exact);
    const ExactAnswer answer = solve_exact(problem.exact, Criterion::discounted);
    REQUIRE(answer.converged());
    for (std::size_t s = 0; s < truth.size(); ++s) {
      CHECK(answer.value[s] == (truth[s] ? Extended(*truth[s]) : Extended::infinity(1)));
      bool lower_is_optimal = false;
      for (auto row = problem.exact.state_rows[s]; row < problem.exact.state_rows[s + 1]; ++row) {
        const auto q = oracles::q_value(problem.exact, row, truth);
        const auto r = static_cast<std::size_t>(row);
        CHECK(answer.q[r] == (q ? Extended(*q) : Extended::infinity(1)));
        CHECK((answer.optimal[r] != 0) == (answer.q[r] == answer.value[s]));
        if (row - problem.exact.state_rows[s] < answer.policy[s]) lower_is_optimal |= answer.optimal[r] != 0;
        if (row - problem.exact.state_rows[s] == answer.policy[s]) CHECK(answer.optimal[r] != 0);
      }
      CHECK_FALSE(lower_is_optimal);
    }
  }
}

TEST_CASE("discounted: rewards are the mirror image of costs") {
  std::mt19937_64 random(12);
  for (int i = 0; i < 10; ++i) {
    auto model = oracles::random_problem(random, {.states = 9, .rational = true}).exact;
    const ExactAnswer low = solve_exact(model, Criterion::discounted);
    model.objective = Objective::maximize;  // costs inside stay minimised
    const ExactAnswer high = solve_exact(model, Criterion::discounted);
    CHECK(low.value == high.value);
    CHECK(low.policy == high.policy);
  }
}

TEST_CASE("an exact solve ends by its limits with a status that says so") {
  std::mt19937_64 random(13);
  const auto model = oracles::random_problem(random, {.states = 12}).exact;
  ExactOptions options;
  options.max_operations = 1.0;
  const ExactAnswer refused = solve_exact(model, Criterion::discounted, options);
  CHECK(refused.status == Status::refused);
  CHECK(refused.message.find("too large for exact arithmetic") == 0);
  options = {};
  options.start.assign(12, 0);
  options.criterion.solve.observer = [](const SweepRecord&) { return false; };
  CHECK(solve_exact(model, Criterion::discounted, options).status == Status::interrupted);
  options.criterion.solve.observer = {};
  options.criterion.solve.max_sweeps = 1;
  CHECK(solve_exact(model, Criterion::discounted, options).status == Status::sweep_limit);
}

TEST_CASE("an exact chain needs a policy of the model") {
  std::mt19937_64 random(14);
  const auto model = oracles::random_problem(random, {.states = 3, .max_actions = 2}).exact;
  CHECK_THROWS_AS(exact_weights(model, Policy{0, 0}), InvalidArgument);
  CHECK_THROWS_AS(exact_weights(model, Policy{0, 7, 0}), InvalidArgument);
  CHECK_THROWS_AS(exact_chain(model, std::vector<mpq_class>(model.rows.size(), 0), Criterion::goal), InvalidArgument);
  CHECK_THROWS_AS(exact_chain(model, std::vector<mpq_class>(model.rows.size(), -1), Criterion::goal), InvalidArgument);
}
