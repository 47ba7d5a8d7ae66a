// Modified policy iteration by sweeps outwards from absorbing states, by itself: what auto does with it is in
// method_choice_test.cpp.
#include "solvers/ordered_iteration.hpp"

#include <cmath>
#include <memory>

#include <catch2/catch.hpp>

#include "libmdp/generate/gridworld.hpp"
#include "solvers/discounted.hpp"
#include "solvers/solve.hpp"
#include "tests/support/enclosed.hpp"

using namespace mdp;
using namespace mdp::solvers;

namespace {

SolveResult solve_ordered(const Mdp& mdp, const SolveOptions& options) {
  return solve_discounted(mdp, options, [] { return std::make_unique<OrderedPolicyIteration>(); }, {}, {});
}

Mdp grid(State width, double discount) {
  generate::GridworldOptions options;
  options.width = options.height = width;
  options.slip = 0.2;
  options.discount = discount;
  return generate::gridworld(options);
}

}  // namespace

TEST_CASE("Sweeps outwards: any problem, from any start, is enclosed, and most are solved") {
  const auto seed = GENERATE(range(0, 30));
  const auto kind = GENERATE(range(0, 4));
  tests::require_solved(seed, kind, solve_ordered);
}

TEST_CASE("Sweeps outwards agree with value iteration, with the same bits for any number of threads") {
  const Mdp m = grid(150, 0.99);  // enough states for several parts
  SolveOptions options;
  options.tolerance = 1e-7;
  options.threads = 1;
  const SolveResult r = solve_ordered(m, options);
  REQUIRE(r.converged());
  for (const int threads : {2, 4}) {
    options.threads = threads;
    const SolveResult other = solve_ordered(m, options);
    REQUIRE(other.values == r.values);
    REQUIRE(other.policy == r.policy);
    REQUIRE(other.sweeps == r.sweeps);
  }
  options.method = Method::value_iteration;
  const SolveResult plain = solve(m, options);
  REQUIRE(plain.converged());
  for (std::size_t s = 0; s < r.values.size(); ++s) {
    REQUIRE(std::abs(plain.values[s] - r.values[s]) <= plain.value_error_bound + r.value_error_bound);
  }
}

TEST_CASE("Sweeps outwards continue from values at hand") {
  const Mdp m = grid(60, 0.999);
  SolveOptions options;
  options.tolerance = 1e-6;
  const SolveResult cold = solve_ordered(m, options);
  REQUIRE(cold.converged());
  options.start = cold.values;
  const SolveResult warm = solve_ordered(m, options);
  REQUIRE(warm.converged());
  REQUIRE(warm.sweeps <= 2);
}
