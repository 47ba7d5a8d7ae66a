// Which method suits which model, and that policy iteration ends among ties.
#include "solvers/method_choice.hpp"

#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "solvers/policy_iteration.hpp"
#include "solvers/solve.hpp"

using namespace mdp;
using namespace mdp::solvers;

TEST_CASE("Long and narrow graphs are for elimination, less narrow ones for sparse LU, wide ones for neither") {
  generate::GridworldOptions corridor;
  corridor.width = 2000;
  corridor.height = 5;
  const Mdp narrow = generate::gridworld(corridor);
  REQUIRE(judge_sparse_lu({narrow, uniform_policy(narrow)}).cheap);
  generate::GarnetOptions garnet;
  garnet.shape = {2000, 2, 5};
  const Mdp wide = generate::garnet(garnet);
  REQUIRE(!judge_sparse_lu({wide, uniform_policy(wide)}).cheap);
  REQUIRE(!judge_profile({wide, uniform_policy(wide)}, 1e6, infinity, 1).cheap);
  garnet.shape = {200, 2, 5};
  const Mdp small = generate::garnet(garnet);
  REQUIRE(judge_sparse_lu({small, uniform_policy(small)}).cheap);
  REQUIRE(judge_profile({narrow, uniform_policy(narrow)}, 0.0, infinity, 1).cheap);
  REQUIRE(!judge_profile({narrow, uniform_policy(narrow)}, 0.0, 1e5, 1).cheap);
  REQUIRE(solve(narrow).method == "policy iteration (Gauss–Seidel, profile LU)");
  generate::GridworldOptions room;
  room.width = 60;
  room.height = 60;
  const Mdp plane = generate::gridworld(room);
  REQUIRE(judge_sparse_lu({plane, uniform_policy(plane)}).cheap);
  REQUIRE(!judge_profile({plane, uniform_policy(plane)}, 0.0, infinity, 1).cheap);
  REQUIRE(judge_profile({plane, uniform_policy(plane)}, 1e9, infinity, 1).cheap);
  REQUIRE(solve(wide).method == "modified policy iteration");
  REQUIRE(solve(small).method == "policy iteration (sparse LU)");
}

TEST_CASE("A wide grid with a goal that mixes slowly is for sweeps outwards from the goal") {
  generate::GridworldOptions options;
  options.width = options.height = 400;
  options.slip = 0.1;
  options.discount = 0.9995;
  const Mdp m = generate::gridworld(options);
  REQUIRE(!judge_sparse_lu({m, uniform_policy(m)}).cheap);
  SolveOptions solve_options;
  solve_options.tolerance = 1e-6;
  const SolveResult r = solve(m, solve_options);
  REQUIRE(r.converged());
  REQUIRE(r.method == "modified policy iteration (Gauss–Seidel, BiCGSTAB)");
  REQUIRE(r.sweeps < 100);
}

TEST_CASE("Policy iteration ends where all actions tie but for rounding") {
  // Every action of every state leads, over differently rounded ways, to the same value.
  const auto solver = GENERATE(LinearSolver::sparse_lu, LinearSolver::iterative);
  MdpBuilder b(40);
  for (State s = 0; s < 40; ++s) {
    for (int a = 1; a <= 5; ++a) {
      b.row(s, 0.1);
      for (int k = 0; k < a; ++k) b.to((7 * s + 3 * a + k) % 40, 1.0 / a);
    }
  }
  const Mdp m = b.discount(0.97).build();
  SolveOptions options;
  options.linear_solver = solver;
  const SolveResult r = policy_iteration(m, options);
  REQUIRE(r.converged());
  REQUIRE(r.iterations <= 5);
  REQUIRE(r.policy == Policy(40, 0));
  for (const double v : r.values) REQUIRE(v == Approx(0.1 / 0.03).epsilon(1e-9));
}

TEST_CASE("Sparse LU that turns out dear is replaced, and the answer is the same") {
  generate::GarnetOptions garnet;
  garnet.shape = {500, 3, 5};
  const Mdp m = generate::garnet(garnet);
  SolveOptions options;
  options.linear_solver = LinearSolver::sparse_lu;
  const SolveResult direct = policy_iteration(m, options);
  options.linear_solver = LinearSolver::iterative;
  const SolveResult iterative = policy_iteration(m, options);
  REQUIRE(direct.converged());
  REQUIRE(iterative.converged());
  for (std::size_t s = 0; s < direct.values.size(); ++s) {
    REQUIRE(std::abs(direct.values[s] - iterative.values[s]) <= direct.value_error_bound + iterative.value_error_bound);
  }
}
