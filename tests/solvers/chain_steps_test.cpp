// Sweeps of a chain and Krylov steps, where they end.
#include "solvers/chain_steps.hpp"

#include <cmath>
#include <numeric>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/policy.hpp"
#include "libmdp/random.hpp"

using namespace mdp;
using namespace mdp::solvers;

namespace {

constexpr State n = 2000;

// From everywhere to the exit with that probability, else to one of three states: every value is 1/exit at a cost of 1 a step.
Mdp mixing(double exit) {
  MdpBuilder b(n + 1);
  for (State s = 0; s < n; ++s) {
    RandomSequence random(1, RandomStream::test, static_cast<std::uint64_t>(s));
    b.row(s, 1.0).to(n, exit);
    for (int k = 0; k < 3; ++k) b.to(static_cast<State>(random.below(n)), (1.0 - exit) / 3.0);
  }
  b.row(n, 0.0).to(n, 1.0);
  return b.goal(n).build();
}

struct Chain {
  Mdp mdp;
  std::vector<State> order = std::vector<State>(n);
  std::vector<double> x = std::vector<double>(n, 0.0), y = x;
  Policy policy = Policy(n + 1, 0);

  explicit Chain(double exit) : mdp(mixing(exit)) { std::iota(order.begin(), order.end(), 0); }

  [[nodiscard]] kernels::OrderedChain ordered() const {
    kernels::OrderedChain chain(mdp, order);
    chain.assign(policy);
    return chain;
  }
  [[nodiscard]] double error(double truth) const {
    double largest = 0.0;
    for (const double value : x) largest = std::max(largest, std::abs(value - truth));
    return largest;
  }
};

}  // namespace

TEST_CASE("Sweeps of a chain that mixes fast end when changes are small, relative or absolute") {
  Chain c(0.5);
  const auto chain = c.ordered();
  const SweepsDone done = sweep_chain(chain, c.x, c.y, 1, {100, 0.0, 1e-9});
  CHECK(done.enough);
  CHECK(done.count < 50);
  CHECK(done.change <= 1e-9);
  CHECK(c.error(2.0) < 1e-8);
  c.x.assign(n, 0.0);
  CHECK(sweep_chain(chain, c.x, c.y, 1, {100, 1e-2}).count < done.count);
}

TEST_CASE("Sweeps of a chain that is left slowly are stopped by their number or on request; a Krylov step solves it") {
  Chain c(1e-6);
  const auto chain = c.ordered();
  SweepGoal goal{100, 0.0, 0.25};
  const SweepsDone done = sweep_chain(chain, c.x, c.y, 1, goal);
  CHECK_FALSE(done.enough);
  CHECK(done.count == 100);
  goal.keep_going = [] { return false; };
  CHECK(sweep_chain(chain, c.x, c.y, 1, goal).count == 1);
  const KrylovResult solved =
      improve_by_krylov(chain, c.x, c.y, 0.0, {.tolerance = 1e-7, .max_products = 1000, .threads = 1});
  CHECK(solved.residual <= 1e-7);
  CHECK(c.error(1e6) <= 0.2);
}
