#include "solvers/applicability.hpp"

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/solve.hpp"

namespace {

using namespace mdp;
using namespace mdp::solvers;

Mdp loop(double discount) {
  MdpArrays arrays;
  arrays.state_rows = {0, 1};
  arrays.row_begin = {0, 1};
  arrays.next_state = {0};
  arrays.probability = {1.0};
  arrays.cost = {1.0};
  arrays.discount = discount;
  return build(std::move(arrays));
}

constexpr Criterion criteria[] = {Criterion::discounted, Criterion::finite, Criterion::total,
                                  Criterion::goal,       Criterion::reach,  Criterion::average};

}  // namespace

TEST_CASE("the words of the methods are those of the program and read back") {
  REQUIRE(all_methods().size() == 14);
  CHECK(all_methods().front() == Method::automatic);
  for (const Method method : all_methods()) CHECK(method_from_string(to_string(method)) == method);
  CHECK(to_string(Method::optimistic_value_iteration) == "optimistic-value-iteration");
  CHECK_THROWS_AS(method_from_string("value_iteration"), InvalidOption);
}

TEST_CASE("auto applies to every criterion") {
  for (const Criterion criterion : criteria) {
    CHECK(why_not(Method::automatic, loop(0.5), criterion).empty());
    CHECK(why_not(Method::automatic, loop(0.5), criterion, Improper::excluded).empty());
  }
}

TEST_CASE("a method that does not apply is refused with its name and the reason") {
  const Mdp mdp = loop(0.5);
  CriterionOptions options;
  options.horizon = 2;
  for (const Criterion criterion : criteria) {
    for (const Method method : all_methods()) {
      const std::string why = why_not(method, mdp, criterion);
      if (why.empty()) continue;
      INFO(to_string(method) << ", " << to_string(criterion));
      options.solve.method = method;
      options.solve.temperature = 1.0;
      const CriterionResult result = solve_criterion(mdp, criterion, options);
      CHECK(result.status == Status::refused);
      CHECK(result.criterion == criterion);
      CHECK(result.message == why);
      CHECK(why.find(to_string(method)) == 0);
      CHECK(result.values.empty());
    }
  }
  SolveOptions interval;
  interval.method = Method::interval_iteration;
  CHECK_THROWS_AS(solve(mdp, interval), InvalidOption);
}

TEST_CASE("the temperature is checked and needed by the soft problem") {
  SolveOptions options;
  options.method = Method::soft_value_iteration;
  CHECK(options.check() == "soft-value-iteration needs temperature > 0");
  options.temperature = 0.0;
  CHECK(options.check().find("temperature = 0, required finite and > 0") == 0);
  options.temperature = 0.5;
  CHECK(options.check().empty());
  CriterionOptions soft;
  soft.solve = options;
  const CriterionResult result = solve_criterion(loop(0.5), Criterion::discounted, soft);
  CHECK(result.converged());
  CHECK(result.values[0] == Approx(2.0));
  CHECK(result.stochastic_policy == StochasticPolicy{1.0});
  CHECK(result.policy.empty());
}
