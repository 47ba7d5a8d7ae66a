// How far a policy is evaluated (V_pi of theory.md, section 0): what the model of an iteration's cost learns, and what it asks for.
#include "solvers/evaluation_effort.hpp"

#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

using mdp::solvers::EvaluationEffort;

namespace {

std::vector<double> geometric(double first, double rate, int n) {
  std::vector<double> spans;
  for (int k = 0; k < n; ++k) spans.push_back(first * std::pow(rate, k));
  return spans;
}

// After a sweep over all rows that shrank the span from 1 to 0.95 only, so that a cheap chain is worth sweeping.
EvaluationEffort before_evaluation() {
  EvaluationEffort effort;
  effort.observe(1.0);
  REQUIRE(effort.choose(20.0, {0.01, 0.0}).left == 1.0);  // nothing is known yet
  effort.observe(0.95);
  REQUIRE(effort.choose(20.0, {0.01, 0.0}).left < 1.0);
  return effort;
}

}  // namespace

TEST_CASE("Sweeps over all rows teach the rate at which spans shrink") {
  EvaluationEffort effort;
  effort.observe(1.0);
  REQUIRE(effort.choose(10.0, {1.0, 1.0}).left == 1.0);  // a chain as dear as all rows: value iteration
  effort.observe(0.3);
  REQUIRE(effort.rate() == Approx(0.3));
  REQUIRE(effort.choose(10.0, {1.0, 1.0}).work == Approx(std::ceil(10.0 / -std::log(0.3))));
}

TEST_CASE("The rate of a chain is that of its last sweeps") {
  EvaluationEffort effort;
  effort.observe(1.0);
  auto spans = geometric(1.0, 0.2, 6);
  for (const double x : geometric(spans.back() * 0.9, 0.9, 8)) spans.push_back(x);
  effort.learn(spans);
  REQUIRE(effort.rate() == Approx(0.9));
}

TEST_CASE("A settled policy is evaluated as far as the goal asks, where its chain is cheap") {
  EvaluationEffort effort = before_evaluation();
  effort.learn(geometric(0.475, 0.5, 5));
  effort.observe(0.95 * std::pow(0.5, 5));  // nothing beyond what the sweeps had left: the policy did not matter
  const auto choice = effort.choose(std::log(50.0), {0.01, 0.0});
  REQUIRE(choice.left <= 1.0 / 50.0);
  REQUIRE(choice.left > 1.0 / 100.0);  // and no further
  // One iteration: a sweep over all rows, one of the chain, and ln(1/left) / ln 2 more.
  REQUIRE(choice.work == Approx(1.0 + 0.01 * (1.0 + std::log(1.0 / choice.left) / std::log(2.0))));
}

TEST_CASE("A policy that changed much is evaluated less far") {
  const auto after = [](double span) {
    EvaluationEffort effort = before_evaluation();
    effort.learn(geometric(0.95 * 0.9, 0.9, 40));
    effort.observe(span);
    return effort.choose(20.0, {0.1, 0.0}).left;
  };
  const double left = std::pow(0.9, 40);
  REQUIRE(after(0.9) > 2.0 * after(0.95 * left));
}

TEST_CASE("Slow mixing shows in the work that is expected") {
  EvaluationEffort effort;
  double span = 1.0;
  for (int k = 0; k < 10; ++k, span *= 0.999) {
    effort.observe(span);
    static_cast<void>(effort.choose(15.0, {0.3, 1.0}));
  }
  REQUIRE(effort.choose(15.0, {0.3, 1.0}).work > 1000.0);
}
