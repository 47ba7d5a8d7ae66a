// Policy iteration by elimination within a profile, by itself and as auto takes it: exact rationals, other methods, bits, memory.
#include "solvers/direct_iteration.hpp"

#include <cmath>
#include <memory>
#include <numeric>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/generate/chain.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "solvers/discounted.hpp"
#include "solvers/method_choice.hpp"
#include "solvers/solve.hpp"
#include "tests/support/enclosed.hpp"

using namespace mdp;
using namespace mdp::solvers;

namespace {

const std::string name_of_direct = "policy iteration (Gauss–Seidel, profile LU)";

SolveResult solve_directly(const Mdp& mdp, const SolveOptions& options,
                           const DirectPolicyIteration::Limits& limits = {}) {
  std::vector<State> order(static_cast<std::size_t>(mdp.n_states()));
  std::iota(order.begin(), order.end(), 0);
  return solve_discounted(mdp, options, [&] { return std::make_unique<DirectPolicyIteration>(order, limits); }, {}, {});
}

void require_agreement(const SolveResult& r, const SolveResult& other) {
  REQUIRE(r.converged());
  REQUIRE(other.converged());
  for (std::size_t s = 0; s < r.values.size(); ++s) {
    REQUIRE(r.value_lower[s] <= other.value_upper[s]);
    REQUIRE(other.value_lower[s] <= r.value_upper[s]);
  }
}

// A line of n states and three moves each, of random lengths up to `width`, costs of both signs; `shuffled` hides the line.
Mdp line(State n, State width, bool shuffled, Objective objective, double discount, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<State> name(n);
  std::iota(name.begin(), name.end(), 0);
  if (shuffled) std::shuffle(name.begin(), name.end(), random);
  const double sign = objective == Objective::minimize ? 1.0 : -1.0;
  MdpBuilder b(n, objective);
  for (State i = 0; i < n; ++i) {
    for (int a = 0; a < 3; ++a) {
      const auto there = std::clamp<State>(i + static_cast<State>(random() % width) + 1, 0, n - 1);
      const auto back = std::clamp<State>(i - static_cast<State>(random() % width), 0, n - 1);
      b.row(name[i], sign * (static_cast<double>(random() % 1024) / 1024.0 - 0.25));
      b.to(name[there], 0.625).to(name[back], 0.375);
    }
  }
  return b.discount(discount).build();
}

}  // namespace

TEST_CASE("Direct policy iteration: any problem, from any start, is enclosed and solved") {
  const auto seed = GENERATE(range(0, 30));
  const auto kind = GENERATE(range(0, 4));
  tests::require_solved(seed, kind, [](const Mdp& m, const SolveOptions& o) { return solve_directly(m, o); });
}

TEST_CASE("Long lines are for direct policy iteration, however their states are numbered, and it agrees with others") {
  const auto seed = GENERATE(range(0, 4));
  const bool shuffled = seed % 2 == 1;
  CAPTURE(seed);
  const Mdp m = line(2500, 3 + 2 * seed, shuffled, Objective::minimize, 0.9999, static_cast<std::uint64_t>(seed));
  SolveOptions options;
  options.tolerance = 1e-6;
  const SolveResult r = solve(m, options);
  REQUIRE(r.method == name_of_direct);
  options.method = Method::policy_iteration;
  require_agreement(r, solve(m, options));
}

TEST_CASE("Direct policy iteration: the same bits for 1, 2 and 4 threads, and mirror images for costs and rewards") {
  const Mdp m = line(5000, 12, false, Objective::minimize, 0.999, 5);
  SolveOptions options;
  options.tolerance = 1e-7;
  options.threads = 1;
  const SolveResult r = solve_directly(m, options);
  REQUIRE(r.converged());
  const auto same = [&](const SolveResult& other) {
    REQUIRE(other.values == r.values);
    REQUIRE(other.policy == r.policy);
    REQUIRE(other.sweeps == r.sweeps);
  };
  for (const int threads : {2, 4}) {
    options.threads = threads;
    same(solve_directly(m, options));
  }
  same(solve_directly(line(5000, 12, false, Objective::maximize, 0.999, 5), options));
}

TEST_CASE("Where the way is long and the first policy stays at home, the search backwards gives another") {
  // Home is a little dearer for ever than the way to the goal; from V = 0, going costs more.
  const State n = 4000;
  MdpBuilder b(n);
  for (State s = 0; s + 1 < n; ++s) {
    b.row(s, 1.0).to(s, 1.0);
    b.row(s, 1.5).to(s + 1, 0.9).to(std::max(s - 1, 0), 0.1);
  }
  b.row(n - 1, 0.0).to(n - 1, 1.0);
  const Mdp m = b.discount(0.9999).build();
  SolveOptions options;
  options.tolerance = 1e-6;
  const SolveResult r = solve_directly(m, options);
  options.method = Method::inexact_policy_iteration;
  require_agreement(r, solve(m, options));
  REQUIRE(r.iterations <= 20);
}

TEST_CASE("Direct policy iteration gives up where factors are too large, and auto does not begin it") {
  const Mdp m = generate::chain({.states = 3000, .discount = 0.999, .seed = 4});
  SolveOptions options;
  options.tolerance = 1e-6;
  options.max_sweeps = 50;
  options.method = Method::policy_iteration;  // not `auto`, which eliminates states in the end
  REQUIRE(!solve_directly(m, options, {.bytes = 1e4}).converged());
  options.max_sweeps = SolveOptions().max_sweeps;
  options.method = Method::automatic;
  REQUIRE(solve(m, options).method == name_of_direct);
  options.memory_limit = 100'000;
  const SolveResult without = solve(m, options);
  REQUIRE(without.method != name_of_direct);
  options.memory_limit = 0;
  require_agreement(without, solve(m, options));
}

TEST_CASE("Direct policy iteration stops at a limit with honest bounds, and continues from values at hand") {
  const Mdp m = generate::chain({.states = 3000, .discount = 0.9999, .seed = 6});
  SolveOptions options;
  options.tolerance = 1e-7;
  const SolveResult best = solve_directly(m, options);
  REQUIRE(best.converged());
  for (const std::int64_t sweeps : {1, 2, 3, 5, 8}) {
    options.max_sweeps = sweeps;
    const SolveResult r = solve_directly(m, options);
    REQUIRE(r.status == Status::sweep_limit);
    for (std::size_t s = 0; s < r.values.size(); ++s) {
      REQUIRE(r.value_lower[s] <= best.value_upper[s]);
      REQUIRE(r.value_upper[s] >= best.value_lower[s]);
    }
  }
  options.max_sweeps = SolveOptions().max_sweeps;
  options.start = best.values;
  REQUIRE(solve_directly(m, options).sweeps <= 2);
}

TEST_CASE("A line whose discount is 1 - 1e-9 is solved to relative accuracy") {
  const Mdp m = line(2000, 5, false, Objective::minimize, 1.0 - 0x1p-30, 8);
  SolveOptions options;
  options.relative_tolerance = 1e-9;
  const SolveResult r = solve_directly(m, options);
  options.method = Method::policy_iteration;
  require_agreement(r, solve(m, options));
}
