// The linear-quadratic family: its law, Riccati's root, and T11: the mean model is right but for a constant (T7).
#include "libmdp/generate/linear_quadratic.hpp"

#include <cmath>

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"
#include "solvers/solve.hpp"

using namespace mdp;
using generate::linear_quadratic;
using generate::LinearQuadraticOptions;

TEST_CASE("linear-quadratic: states, controls, costs and clipping") {
  LinearQuadraticOptions options;
  options.steps = 2;
  options.extent = 1.0;
  options.reach = 0.5;
  options.noise = 0.5;
  options.control_cost = 3.0;
  const Mdp m = linear_quadratic(options);
  REQUIRE(m.n_states() == 5);
  REQUIRE(m.n_rows() == 15);
  // x = -1, u = 1/2: cost 1 + 3/4; to -1 and 0, each with probability 1/2.
  REQUIRE(m.cost()[2] == 1.75);
  REQUIRE(m.next_state()[static_cast<std::size_t>(m.row_begin()[2])] == 0);
  REQUIRE(m.next_state()[static_cast<std::size_t>(m.row_begin()[2]) + 1] == 2);
  // x = -1, u = -1/2: both ends are clipped or half so.
  REQUIRE(m.row_begin()[1] - m.row_begin()[0] == 1);
  options.mean_only = true;
  REQUIRE(linear_quadratic(options).n_transitions() == 15);
  options.noise = 0.3;
  REQUIRE_THROWS_WITH(linear_quadratic(options), Catch::Contains("noise = 0.3"));
}

TEST_CASE("Riccati's root solves its equation") {
  for (const double gamma : {0.0, 0.5, 0.9, 0.999}) {
    for (const double r : {0.0, 0.1, 1.0, 50.0}) {
      LinearQuadraticOptions options;
      options.discount = gamma;
      options.control_cost = r;
      const double root = generate::riccati_root(options);
      REQUIRE(root ==
              Approx(1.0 + (r + gamma * root > 0.0 ? gamma * root * r / (r + gamma * root) : 0.0)).epsilon(1e-12));
    }
  }
}

TEST_CASE("T11: in the inner half V* is the quadratic of the theory, better on finer grids") {
  double before = infinity;
  for (const std::int64_t steps : {2, 4, 8}) {
    LinearQuadraticOptions options;
    options.steps = steps;
    options.extent = 4.0;
    options.reach = 3.0;
    const Mdp world = linear_quadratic(options);
    solvers::SolveOptions solve;
    solve.tolerance = 1e-9;
    const auto values = solvers::solve(world, solve).values;
    const double root = generate::riccati_root(options);
    const std::size_t middle = values.size() / 2;
    double worst = 0.0;
    for (std::size_t s = middle - static_cast<std::size_t>(steps); s <= middle + static_cast<std::size_t>(steps); ++s) {
      const double x = (static_cast<double>(s) - static_cast<double>(middle)) / static_cast<double>(steps);
      worst = std::max(worst, std::abs(values[s] - values[middle] - root * x * x));
    }
    REQUIRE(worst < 0.5 * before);
    before = worst;
  }
  REQUIRE(before < 0.02);
}
