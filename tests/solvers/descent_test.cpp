// Outer methods (theory.md, section 6) on functions whose minima are known.
#include "solvers/descent.hpp"

#include <algorithm>
#include <cmath>

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"

namespace {

using namespace mdp;
using namespace mdp::solvers;

DescentPoint rosenbrock(std::span<const double> x) {
  const double a = 1 - x[0], b = x[1] - x[0] * x[0];
  return {a * a + 100 * b * b, {-2 * a - 400 * x[0] * b, 200 * b}};
}

// The same as half a sum of squares.
LeastSquaresModel rosenbrock_squares(std::span<const double> x) {
  const double two = std::sqrt(2.0);
  return {{two * (1 - x[0]), 10 * two * (x[1] - x[0] * x[0])}, {-two, 0.0, -20 * two * x[0], 10 * two}};
}

}  // namespace

TEST_CASE("Gauss-Newton: few steps where residuals vanish, in the domain and off the gauge") {
  DescentOptions options{.method = DescentMethod::gauss_newton, .linearise = rosenbrock_squares};
  const DescentResult free = minimise(rosenbrock, {.x = {-1.2, 1.0}}, options);
  CHECK(free.status == Status::converged);
  CHECK(free.state.iteration <= 20);
  CHECK(free.state.x[0] == Approx(1.0).epsilon(1e-9));
  options.project = [](std::vector<double> x) {
    x[0] = std::min(x[0], 0.5);
    return x;
  };
  const DescentResult bounded = minimise(rosenbrock, {.x = {-1.0, 1.0}}, options);
  CHECK(bounded.status == Status::converged);
  CHECK(bounded.state.x[0] == 0.5);
  CHECK(bounded.state.x[1] == Approx(0.25).epsilon(1e-9));

  // (x0 + x1 - 1)^2 + (2 x2)^2 on {x0 + x2 + x3 = 1}: one step, and nothing along (1, -1, ...) that neither term sees.
  const auto f = [](std::span<const double> x) -> DescentPoint {
    const double a = x[0] + x[1] - 1, b = 2 * x[2];
    return {(a * a + b * b) / 2, {a, a, 2 * b, 0.0}};
  };
  options.linearise = [](std::span<const double> x) -> LeastSquaresModel {
    return {{x[0] + x[1] - 1, 2 * x[2]}, {1, 1, 0, 0, 0, 0, 2, 0}};
  };
  options.project = [](std::vector<double> x) {
    const double by = (x[0] + x[2] + x[3] - 1) / 3;
    for (const std::size_t i : {0u, 2u, 3u}) x[i] -= by;
    return x;
  };
  const DescentResult plane = minimise(f, {.x = {0.5, 2.0, 0.25, 0.25}}, options);
  CHECK(plane.status == Status::converged);
  CHECK(plane.state.iteration == 1);
  CHECK(plane.point.value < 1e-20);
  // The least move with d0 + d1 = -1.5, d2 = -0.25, d0 + d2 + d3 = 0: d0 minimises d0^2 + (1.5 + d0)^2 + (0.25 - d0)^2.
  CHECK(plane.state.x[0] == Approx(0.5 - 1.25 / 3).epsilon(1e-6));
  options.linearise = nullptr;
  CHECK_THROWS_WITH(minimise(f, {.x = {0.5, 2.0, 0.25, 0.25}}, options), Catch::Contains("gauss_newton needs it"));
}

TEST_CASE("Descent reaches minima, L-BFGS in far fewer steps than the gradient") {
  const DescentResult quasi = minimise(rosenbrock, {.x = {-1.2, 1.0}}, {.max_iterations = 200});
  CHECK(quasi.status == Status::converged);
  CHECK(quasi.gradient_norm <= 1e-8);
  CHECK(quasi.state.x[0] == Approx(1.0).epsilon(1e-7));
  CHECK(quasi.state.x[1] == Approx(1.0).epsilon(1e-7));
  const DescentResult slow =
      minimise(rosenbrock, {.x = {-1.2, 1.0}}, {.method = DescentMethod::gradient, .max_iterations = 200});
  CHECK(slow.status == Status::sweep_limit);
  CHECK(slow.state.iteration == 200);
  CHECK(slow.point.value < 24.2);
}

TEST_CASE("Descent stays in its domain and leaves what may not move") {
  DescentOptions options{.gradient_tolerance = 1e-6};
  options.project = [](std::vector<double> x) {
    x[0] = std::min(x[0], 0.5);
    return x;
  };
  const DescentResult bounded = minimise(rosenbrock, {.x = {-1.0, 1.0}}, options);
  CHECK(bounded.status == Status::converged);
  CHECK(bounded.state.x[0] == 0.5);
  CHECK(bounded.state.x[1] == Approx(0.25).epsilon(1e-6));
  options.project = nullptr;
  options.free = {0, 1};
  const DescentResult fixed = minimise(rosenbrock, {.x = {0.75, 4.0}}, options);
  CHECK(fixed.state.x[0] == 0.75);
  CHECK(fixed.state.x[1] == Approx(0.5625).epsilon(1e-8));
}

TEST_CASE("Descent steps over infinite values, stops on request, says where rounding ends it") {
  const auto barrier = [](std::span<const double> x) -> DescentPoint {
    return x[0] <= 0 ? DescentPoint{infinity, {}} : DescentPoint{x[0] - std::log(x[0]), {1 - 1 / x[0]}};
  };
  DescentOptions options{.first_step = 100.0};
  const DescentResult inside = minimise(barrier, {.x = {3.0}}, options);
  CHECK(inside.status == Status::converged);
  CHECK(inside.state.x[0] == Approx(1.0).epsilon(1e-7));
  options.observer = [](const DescentState& state, const DescentPoint&) { return state.iteration < 1; };
  CHECK(minimise(barrier, {.x = {3.0}}, options).status == Status::interrupted);
  const auto steep = [](std::span<const double> x) { return DescentPoint{1e20 + x[0], {1.0}}; };
  CHECK(minimise(steep, {.x = {1.0}}).status == Status::precision_limit);
  CHECK_THROWS_AS(minimise(barrier, {.x = {-1.0}}), InvalidArgument);
  CHECK_THROWS_AS(minimise(barrier, {}), InvalidArgument);
  CHECK_THROWS_AS(minimise(barrier, {.x = {1.0}}, {.memory = 0}), InvalidOption);
}
