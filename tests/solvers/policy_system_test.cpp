// (I - gamma P_pi) x = b and its transpose: solutions and error bounds against exact rationals.
#include "solvers/policy_system.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "tests/oracles/exact_solver.hpp"

using namespace mdp;
using namespace mdp::solvers;

namespace {

using Vector = std::vector<mpq_class>;

// P_pi of the MDP meant, dense.
std::vector<Vector> transition_matrix(const io::ExactModel& m, const std::vector<double>& policy) {
  std::vector<Vector> p(static_cast<std::size_t>(m.n_states), Vector(static_cast<std::size_t>(m.n_states)));
  for (std::int64_t s = 0; s < m.n_states; ++s) {
    mpq_class total;
    for (auto row = m.state_rows[s]; row < m.state_rows[s + 1]; ++row) total += mpq_class(policy[row]);
    for (auto row = m.state_rows[s]; row < m.state_rows[s + 1]; ++row) {
      for (const auto& [t, x] : m.rows[row].to) p[s][t] += mpq_class(policy[row]) / total * x;
    }
  }
  return p;
}

// The residual b - (I - gamma M) x of the MDP meant and the error that it proves are checked without solving: the
// exact error e satisfies (I - gamma M) e = r, so solve that exactly by Gauss-Jordan.
Vector exact_solution(const std::vector<Vector>& p, const mpq_class& discount, bool transposed,
                      const std::vector<double>& b) {
  const std::size_t n = p.size();
  std::vector<Vector> a(n, Vector(n));
  Vector x(n);
  for (std::size_t i = 0; i < n; ++i) {
    x[i] = b[i];
    for (std::size_t j = 0; j < n; ++j) a[i][j] = (i == j ? 1 : 0) - discount * (transposed ? p[j][i] : p[i][j]);
  }
  for (std::size_t c = 0; c < n; ++c) {
    for (std::size_t r = 0; r < n; ++r) {
      if (r == c || a[r][c] == 0) continue;
      const mpq_class f = a[r][c] / a[c][c];
      for (std::size_t k = c; k < n; ++k) a[r][k] -= f * a[c][k];
      x[r] -= f * x[c];
    }
  }
  for (std::size_t r = 0; r < n; ++r) x[r] /= a[r][r];
  return x;
}

std::vector<double> random_vector(std::mt19937_64& random, std::size_t n) {
  std::vector<double> b(n);
  for (double& x : b) x = std::uniform_real_distribution<double>(-1.0, 1.0)(random);
  return b;
}

}  // namespace

TEST_CASE("C2: solutions are within their proved error, infinity norm, and 1-norm of the transpose") {
  const int seed = GENERATE(range(0, 24));
  const auto solver = GENERATE(LinearSolver::sparse_lu, LinearSolver::iterative);
  CAPTURE(seed);
  std::mt19937_64 random(static_cast<unsigned>(seed));
  oracles::RandomOptions options;
  options.rational = seed % 2 == 0;
  options.row_sum_miss = seed % 4 == 1 ? 1e-8 : 0.0;
  options.discount = seed % 3 == 2 ? mpq_class(99999, 100000) : mpq_class(9, 10);
  const auto p = oracles::random_problem(random, options);
  const StochasticPolicy policy = seed % 2 == 0
                                      ? uniform_policy(p.mdp)
                                      : to_stochastic(p.mdp, Policy(static_cast<std::size_t>(p.mdp.n_states()), 0));
  LinearOptions linear;
  linear.solver = solver;
  const PolicySystem system = seed % 2 == 0
                                  ? PolicySystem(p.mdp, policy, linear)
                                  : PolicySystem(p.mdp, Policy(static_cast<std::size_t>(p.mdp.n_states()), 0), linear);
  const auto matrix = transition_matrix(p.exact, policy);
  const auto b = random_vector(random, matrix.size());

  const LinearSolution x = system.solve(b);
  const Vector truth = exact_solution(matrix, p.exact.discount, false, b);
  mpq_class error;
  for (std::size_t i = 0; i < b.size(); ++i) error = std::max(error, mpq_class(abs(mpq_class(x.x[i]) - truth[i])));
  REQUIRE(error <= mpq_class(x.error_bound));
  REQUIRE(x.error_bound <= 1e-11 / (1.0 - p.mdp.discount()) / (1.0 - p.mdp.discount()));

  const LinearSolution y = system.solve_transposed(b);
  const Vector adjoint = exact_solution(matrix, p.exact.discount, true, b);
  mpq_class sum;
  for (std::size_t i = 0; i < b.size(); ++i) sum += abs(mpq_class(y.x[i]) - adjoint[i]);
  REQUIRE(sum <= mpq_class(y.error_bound));
  REQUIRE(y.error_bound <= 1e-11 / (1.0 - p.mdp.discount()) / (1.0 - p.mdp.discount()));
}

TEST_CASE("Products are those of P and its transpose") {
  std::mt19937_64 random(2);
  const auto p = oracles::random_problem(random);
  const PolicySystem system(p.mdp, uniform_policy(p.mdp));
  const auto matrix = transition_matrix(p.exact, uniform_policy(p.mdp));
  const auto x = random_vector(random, matrix.size());
  std::vector<double> y(x.size());
  std::vector<double> z(x.size());
  system.multiply(x, y);
  system.multiply_transposed(x, z);
  for (std::size_t i = 0; i < x.size(); ++i) {
    double row = 0.0;
    double column = 0.0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      row += matrix[i][j].get_d() * x[j];
      column += matrix[j][i].get_d() * x[j];
    }
    REQUIRE(y[i] == Approx(row).margin(1e-14));
    REQUIRE(z[i] == Approx(column).margin(1e-14));
  }
}

TEST_CASE("BiCGSTAB and sparse LU agree on a larger system, same bits for any number of threads") {
  generate::GarnetOptions garnet;
  garnet.shape = {1000, 3, 4};
  garnet.discount = 0.999;
  const Mdp m = generate::garnet(garnet);
  const auto policy = uniform_policy(m);
  std::mt19937_64 random(3);
  const auto b = random_vector(random, 1000);
  LinearOptions options;
  options.solver = LinearSolver::iterative;
  options.threads = 1;
  const PolicySystem one(m, policy, options);
  options.threads = 3;
  const PolicySystem three(m, policy, options);
  REQUIRE(one.method() == "BiCGSTAB");
  const LinearSolution x = one.solve(b);
  REQUIRE(x.x == three.solve(b).x);
  REQUIRE(one.solve_transposed(b).x == three.solve_transposed(b).x);
  REQUIRE(x.residual <= 1e-12);
  REQUIRE(x.error_bound < 1e-8);
  options.solver = LinearSolver::sparse_lu;
  const PolicySystem direct(m, policy, options);
  REQUIRE(direct.method() == "sparse LU");
  const LinearSolution d = direct.solve(b);
  for (std::size_t i = 0; i < b.size(); ++i) REQUIRE(std::abs(x.x[i] - d.x[i]) <= x.error_bound + d.error_bound);
}

TEST_CASE("Arguments of a policy system are checked") {
  std::mt19937_64 random(1);
  const Mdp m = oracles::random_problem(random).mdp;
  const Policy policy(8, 0);
  REQUIRE_THROWS_WITH(PolicySystem(m.with_discount(1.0), policy), "discount = 1, required < 1");
  REQUIRE_THROWS_WITH(PolicySystem(m, policy).solve(std::vector<double>(3)),
                      "right-hand side has 3 entries, required n_states = 8");
  std::vector<double> b(8, 0.0);
  b[2] = infinity;
  REQUIRE_THROWS_WITH(PolicySystem(m, policy).solve(b), "right-hand side[2] = inf, required finite");
  LinearOptions options;
  options.tolerance = 1.0;
  REQUIRE_THROWS_WITH(PolicySystem(m, policy, options), "tolerance = 1, required 0 <= tolerance < 1");
}

namespace {

// Right and down in turn on an n x n grid with slips, the last corner absorbing: [n_rows] weights.
std::vector<double> along_the_diagonal(const Mdp& grid, State n) {
  std::vector<double> weights(grid.n_rows(), 0.0);
  for (State s = 0; s + 1 < grid.n_states(); ++s) {
    const bool right = s / n == n - 1 || (s % n != n - 1 && (s / n + s % n) % 2 == 0);
    weights[grid.state_rows()[s] + (right ? 2 : 1)] = 1.0;  // left, down, right, up
  }
  return weights;
}

}  // namespace

TEST_CASE("Until absorption: direct and iterative solutions agree within their bounds") {
  const State n = 60;
  const Mdp grid = generate::gridworld({.width = n, .height = n, .discount = 1.0});
  const std::vector<double> weights = along_the_diagonal(grid, n);
  const PolicySystem direct = PolicySystem::until_absorption(grid, weights, {.solver = LinearSolver::sparse_lu});
  const PolicySystem iterative = PolicySystem::until_absorption(grid, weights, {.solver = LinearSolver::iterative});
  REQUIRE(iterative.method() == "BiCGSTAB");
  std::vector<double> ones(grid.n_states(), 1.0), corner(grid.n_states(), 0.0);
  corner[0] = 1.0;
  const auto close = [](const LinearSolution& a, const LinearSolution& b, bool sum) {
    double distance = 0.0;
    for (std::size_t s = 0; s < a.x.size(); ++s) {
      const double d = std::abs(a.x[s] - b.x[s]);
      distance = sum ? distance + d : std::max(distance, d);
    }
    CHECK(distance <= a.error_bound + b.error_bound);
    CHECK(a.error_bound < 1e-7);
    CHECK(b.error_bound < 1e-7);
  };
  close(direct.solve(ones), iterative.solve(ones), false);
  close(direct.solve_transposed(corner), iterative.solve_transposed(corner), true);
  CHECK(iterative.solve(ones).x[0] > 2.0 * (n - 1));  // steps, slips included
  CHECK(iterative.solve(ones).x.back() == 1.0);       // its own equation: x = b
}

TEST_CASE("Until absorption: without absorption nothing is proved") {
  MdpBuilder b(3);
  b.discount(1.0);
  b.row(0, 1.0).to(1, 0.5).to(2, 0.5);
  b.row(1, 1.0).to(1, 0.5).to(0, 0.5);
  b.row(2, 0.0).to(2, 1.0);
  const Mdp mdp = b.build();
  const auto bound = [&](std::vector<double> weights) {
    return PolicySystem::until_absorption(mdp, weights).solve(std::vector<double>{1.0, 1.0, 0.0}).error_bound;
  };
  CHECK(bound({1.0, 1.0, 0.0}) < 1e-12);
  CHECK(bound({0.0, 0.5, 0.0}) < 1e-12);      // sub-stochastic
  CHECK(bound({0.0, 1.0, 1.0}) == infinity);  // 2 stays
}
