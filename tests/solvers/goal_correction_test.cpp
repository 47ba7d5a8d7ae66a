// Costs until the goal where doubles end: corrections in twice the precision.
#include <cmath>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/random.hpp"
#include "solvers/criterion.hpp"

using namespace mdp;
using namespace mdp::solvers;

namespace {

// From anywhere to anywhere, the goal being one of the states: that takes about as many steps as there are states.
Mdp by_luck(State n, double sign) {
  MdpBuilder b(n);
  for (State s = 0; s + 1 < n; ++s) {
    RandomSequence random(9, RandomStream::test, static_cast<std::uint64_t>(s));
    for (int a = 0; a < 3; ++a) {
      // Costs of both signs where sign < 0; on average each step costs.
      b.row(s, random.uniform() + (sign < 0.0 && a == 0 ? -0.25 : 0.5));
      for (int k = 0; k < 4; ++k) b.to(static_cast<State>(random.below(static_cast<std::uint64_t>(n))), 0.25);
    }
  }
  b.row(n - 1, 0.0).to(n - 1, 1.0);
  return b.goal(n - 1).build();
}

CriterionResult solved(const Mdp& mdp, Method method, double tolerance, int threads = 1) {
  CriterionOptions options;
  options.solve.method = method;
  options.solve.tolerance = tolerance;
  options.solve.threads = threads;
  return solve_criterion(mdp, Criterion::goal, options);
}

}  // namespace

TEST_CASE(
    "goal: a tolerance beyond what sweeps in doubles prove is reached by corrections, and agrees with elimination "
    "(C5)") {
  const double sign = GENERATE(1.0, -1.0);
  const Mdp mdp = by_luck(600, sign);
  const double tolerance = 4e-14 * 600.0;  // values of hundreds, hundreds of steps: rounding of sweeps adds up to more
  const CriterionResult eliminated = solved(mdp, Method::policy_iteration, tolerance);
  REQUIRE(eliminated.converged());
  for (const Method method :
       {Method::inexact_policy_iteration, Method::modified_policy_iteration, Method::gauss_seidel}) {
    CAPTURE(to_string(method), sign);
    const CriterionResult r = solved(mdp, method, tolerance);
    REQUIRE(r.converged());
    CHECK(r.value_error_bound <= tolerance);
    for (std::size_t s = 0; s < r.values.size(); ++s) {
      REQUIRE(r.value_lower[s] <= eliminated.value_upper[s]);
      REQUIRE(r.value_upper[s] >= eliminated.value_lower[s]);
    }
    CHECK(r.policy == eliminated.policy);
  }
}

TEST_CASE(
    "goal: corrections of thousands of states, where elimination would fill in, by auto with the same bits for 1 and 2 "
    "threads") {
  const Mdp mdp = by_luck(5000, 1.0);
  const CriterionResult r = solved(mdp, Method::automatic, 1e-10);
  REQUIRE(r.converged());
  CHECK(r.method.find("elimination") == std::string::npos);
  const CriterionResult two = solved(mdp, Method::automatic, 1e-10, 2);
  CHECK(two.values == r.values);
  CHECK(two.value_lower == r.value_lower);
  CHECK(two.value_upper == r.value_upper);
}
