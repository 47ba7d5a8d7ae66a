// Chains until the goal by elimination, where they are long and narrow: against elimination in twice the precision.
#include "solvers/direct_chain.hpp"

#include <vector>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "solvers/criterion.hpp"

using namespace mdp;
using namespace mdp::solvers;

namespace {

// A walk along a line to the goal at its end, a step back with probability 1/4; `closed`: the first two states never leave.
Mdp walk(State n, bool closed) {
  MdpBuilder b(n);
  b.row(0, 1.0).to(1, 1.0);
  b.row(1, 1.0).to(0, closed ? 1.0 : 0.25);
  if (!closed) b.to(2, 0.75);
  for (State s = 2; s + 1 < n; ++s) b.row(s, 1.0).to(s - 1, 0.25).to(s + 1, 0.75);
  b.row(n - 1, 0.0).to(n - 1, 1.0);
  return b.discount(1.0).goal(n - 1).build();
}

std::vector<State> nearest_first(State n) {
  std::vector<State> order(static_cast<std::size_t>(n - 1));
  for (State i = 0; i < n - 1; ++i) order[i] = n - 2 - i;
  return order;
}

}  // namespace

TEST_CASE("Steps until the goal of a walk, by one correction from anywhere") {
  const State n = 2000;
  const Mdp m = walk(n, false);
  kernels::OrderedChain chain(m, nearest_first(n));
  chain.assign(Policy(n, 0));
  std::vector<double> x(chain.size(), 7.0);
  REQUIRE(DirectChain(1e9).improve(chain, x, 2));
  // d_s = steps from s to s + 1: d_0 = 1, d_s = 1 + (d_{s-1} + d_s)/4.
  double d = 1.0;
  std::vector<double> step{d};
  for (State s = 1; s + 1 < n; ++s) step.push_back(d = (4.0 + d) / 3.0);
  double steps = 0.0;
  for (State s = n - 2; s >= 0; --s) {
    steps += step[s];
    CHECK(x[n - 2 - s] == Approx(steps).epsilon(1e-12));
  }
}

TEST_CASE("No factors: without memory for them, for a short and wide chain, or where states are never left") {
  const State n = 2000;
  const Mdp m = walk(n, false);
  kernels::OrderedChain chain(m, nearest_first(n));
  chain.assign(Policy(n, 0));
  std::vector<double> x(chain.size(), 7.0);
  const std::vector<double> before = x;
  CHECK(!DirectChain(0.0).improve(chain, x, 1));
  CHECK(!DirectChain(1000.0).improve(chain, x, 1));
  const Mdp closed = walk(n, true);
  kernels::OrderedChain never(closed, nearest_first(n));
  never.assign(Policy(n, 0));
  CHECK(!DirectChain(1e9).improve(never, x, 1));
  std::vector<State> scattered(static_cast<std::size_t>(n - 1));  // 997 and 1999 have no common factor
  for (State k = 0; k < n - 1; ++k) scattered[k] = static_cast<State>(State{997} * k % (n - 1));
  kernels::OrderedChain wide(m, scattered);
  wide.assign(Policy(n, 0));
  CHECK(!DirectChain(1e9).improve(wide, x, 1));
  CHECK(x == before);
}

TEST_CASE("A corridor until its goal: policy iteration by elimination, enclosed, the same bits for any threads") {
  generate::GridworldOptions corridor;
  corridor.width = 1500;
  corridor.height = 3;
  corridor.slip = 0.1;
  corridor.discount = 1.0;
  const Mdp m = generate::gridworld(corridor);
  CriterionOptions options;
  options.solve.tolerance = 1e-7;
  options.solve.threads = 1;
  options.solve.method = Method::inexact_policy_iteration;
  const CriterionResult r = solve_criterion(m, Criterion::goal, options);
  REQUIRE(r.method == "policy iteration (profile LU)");
  REQUIRE(r.status == Status::converged);
  options.solve.threads = 4;
  REQUIRE(solve_criterion(m, Criterion::goal, options).values == r.values);
  options.solve.memory_limit = 10'000;
  REQUIRE(solve_criterion(m, Criterion::goal, options).method != r.method);
  options.solve.memory_limit = 0;
  options.solve.method = Method::policy_iteration;
  const CriterionResult exact = solve_criterion(m, Criterion::goal, options);
  for (std::size_t s = 0; s < r.values.size(); ++s) {
    REQUIRE(r.value_lower[s] <= exact.value_upper[s]);
    REQUIRE(exact.value_lower[s] <= r.value_upper[s]);
  }
}
