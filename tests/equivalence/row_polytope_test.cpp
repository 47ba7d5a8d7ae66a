// T6: the polytope of a row: dimension, vertices, uniform samples, extreme rows.
#include "equivalence/row_polytope.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include <catch2/catch.hpp>

#include "equivalence/row_projection.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using mdp::tests::draw;

namespace {

using Vector = std::vector<double>;

Vector sample(const RowPolytope& polytope, std::size_t n, std::uint64_t index, std::uint64_t seed = 7) {
  Vector p(n);
  RandomSequence random(seed, RandomStream::test, index);
  polytope.sample(random, p);
  return p;
}

double dot(const Vector& a, const Vector& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

// Mean of f over n samples, and its standard error.
template <class F>
std::pair<double, double> average(const Vector& x, int n, F&& f) {
  const RowPolytope polytope(x);
  double sum = 0.0, square = 0.0;
  for (int i = 0; i < n; ++i) {
    const double value = f(sample(polytope, x.size(), static_cast<std::uint64_t>(i)));
    sum += value;
    square += value * value;
  }
  const double mean = sum / n;
  return {mean, std::sqrt((square / n - mean * mean) / n)};
}

}  // namespace

TEST_CASE("T6: dimension and vertices of a row's solutions") {
  const RowPolytope general(Vector{-2.0, -1.0, 0.0, 1.0, infinity, 4.0});
  REQUIRE(general.dimension() == 3);  // |D| - 2
  REQUIRE(general.n_vertices() == 1 + 2 * 2);
  for (Offset k = 0; k < general.n_vertices(); ++k) {
    const auto v = general.vertex(k);
    const Vector x{-2.0, -1.0, 0.0, 1.0, infinity, 4.0};
    REQUIRE(v.weight * x[v.first] + (1.0 - v.weight) * (v.first == v.second ? 0.0 : x[v.second]) ==
            Approx(0.0).margin(1e-15));
    REQUIRE((v.weight > 0.0 && v.weight <= 1.0));
  }
  REQUIRE(RowPolytope(Vector{-1.0, 3.0}).dimension() == 0);  // two states: one solution
  REQUIRE(RowPolytope(Vector{-1.0, 3.0}).vertex(0).weight == 0.75);
  REQUIRE(RowPolytope(Vector{0.0, 0.0, 3.0}).dimension() == 1);  // tau at an end
  REQUIRE(RowPolytope(Vector{0.0, 0.0, 0.0}).dimension() == 2);  // V* constant on D
  REQUIRE(RowPolytope(Vector{1.0, 2.0}).dimension() == -1);
  REQUIRE(RowPolytope(Vector{1.0, 2.0}).n_vertices() == 0);
  REQUIRE(RowPolytope(Vector{infinity}).dimension() == -1);
  REQUIRE(RowPolytope(Vector{1e-9, 2.0}, 0.0, 1e-8).dimension() == 0);
}

TEST_CASE("T6: samples meet the equation; two and three states by hand") {
  const Vector x{-1.0, 3.0};
  REQUIRE(sample(RowPolytope(x), 2, 0) == Vector{0.75, 0.25});
  // Three states: a segment between the vertices {0, 2} and {1, 2}: p_0 is uniform between 0 and its value 2/3 there.
  const Vector y{-1.0, -2.0, 2.0};
  const RowPolytope segment(y);
  int below = 0;
  constexpr int n = 20000;
  for (int i = 0; i < n; ++i) {
    const Vector p = sample(segment, 3, static_cast<std::uint64_t>(i));
    REQUIRE(std::abs(dot(p, y)) <= 1e-15);
    REQUIRE(std::accumulate(p.begin(), p.end(), 0.0) == Approx(1.0).epsilon(1e-15));
    if (p[0] < 2.0 / 3.0 * 0.25) ++below;
  }
  REQUIRE(std::abs(below - n * 0.25) <= 4.0 * std::sqrt(n * 0.25 * 0.75));
}

TEST_CASE(
    "T6: samples are uniform: the moments of a quadrilateral in closed form, and of a bigger polytope by rejection") {
  SECTION("quadrilateral with vertices of the pairs of {-1, -3} and {1, 2}") {
    // Coordinates (p_0, p_1); the area's centre and second moment by cutting the quadrilateral along its diagonal.
    const Vector x{-1.0, -3.0, 1.0, 2.0};
    const auto corner = [&x](std::size_t i, std::size_t j) {
      Vector p(4, 0.0);
      p[i] = x[j] / (x[j] - x[i]);
      p[j] = 1.0 - p[i];
      return p;
    };
    const Vector a = corner(0, 2), b = corner(0, 3), c = corner(1, 3), d = corner(1, 2);
    const auto area = [](const Vector& u, const Vector& v, const Vector& w) {
      return 0.5 * std::abs((v[0] - u[0]) * (w[1] - u[1]) - (w[0] - u[0]) * (v[1] - u[1]));
    };
    const double first = area(a, b, c), second = area(a, c, d);
    for (std::size_t k = 0; k < 4; ++k) {
      const double mean = (first * (a[k] + b[k] + c[k]) + second * (a[k] + c[k] + d[k])) / (3.0 * (first + second));
      const auto [found, error] = average(x, 40000, [k](const Vector& p) { return p[k]; });
      REQUIRE(std::abs(found - mean) <= 4.5 * error);
      // E of the square over a triangle: (sum of squares + square of the sum) / 12.
      const auto squares = [k](const Vector& u, const Vector& v, const Vector& w) {
        const double s = u[k] + v[k] + w[k];
        return (u[k] * u[k] + v[k] * v[k] + w[k] * w[k] + s * s) / 12.0;
      };
      const double second_moment = (first * squares(a, b, c) + second * squares(a, c, d)) / (first + second);
      const auto [square, square_error] = average(x, 40000, [k](const Vector& p) { return p[k] * p[k]; });
      REQUIRE(std::abs(square - second_moment) <= 4.5 * square_error);
    }
  }
  SECTION("six states: the section is the limit of a thin slab of the simplex") {
    const Vector x{-1.0, -0.3, 0.0, 0.2, 0.9, 1.4};
    std::mt19937_64 random(5);
    std::exponential_distribution<double> exponential;
    Vector sum(x.size(), 0.0);
    int n = 0;
    for (int i = 0; i < 3000000; ++i) {
      Vector p(x.size());
      double mass = 0.0;
      for (double& v : p) mass += v = exponential(random);
      for (double& v : p) v /= mass;
      if (std::abs(dot(p, x)) > 0.004) continue;
      for (std::size_t k = 0; k < p.size(); ++k) sum[k] += p[k];
      ++n;
    }
    for (std::size_t k = 0; k < x.size(); ++k) {
      const auto [found, error] = average(x, 20000, [k](const Vector& p) { return p[k]; });
      REQUIRE(std::abs(found - sum[k] / n) <= 5.0 * error * std::sqrt(1.0 + 20000.0 / n) + 1e-3);
    }
  }
}

TEST_CASE("T6: the order of the states does not change the law; long rows do not underflow") {
  const Vector x{-0.5, -0.1, 0.3, 0.8, 2.0}, reversed(x.rbegin(), x.rend());
  for (std::size_t k = 0; k < x.size(); ++k) {
    const auto [a, ea] = average(x, 20000, [k](const Vector& p) { return p[k]; });
    const auto [b, eb] = average(reversed, 20000, [&](const Vector& p) { return p[x.size() - 1 - k]; });
    REQUIRE(std::abs(a - b) <= 4.5 * std::hypot(ea, eb));
  }
  Vector long_row(700, 1.0);
  for (std::size_t i = 0; i < 350; ++i) long_row[i] = -1e-9;
  const Vector p = sample(RowPolytope(long_row), long_row.size(), 1);
  REQUIRE(std::abs(dot(p, long_row)) <= 1e-15);
  REQUIRE(std::all_of(p.begin(), p.end(), [](double v) { return v >= 0.0; }));
}

TEST_CASE("T6: at an end the samples are uniform on the face of the extreme states") {
  const Vector x{0.0, 0.0, 5.0, infinity};
  const auto [mean, error] = average(x, 20000, [](const Vector& p) { return p[0]; });
  REQUIRE(std::abs(mean - 0.5) <= 4.5 * error);
  REQUIRE(sample(RowPolytope(x), 4, 3)[2] == 0.0);
}

TEST_CASE("T6: the extreme row in a direction is the best vertex, with its dual value") {
  const auto seed = 20261130U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 500; ++trial) {
    const auto n = static_cast<std::size_t>(draw(random, 2, 9));
    Vector x(n), g(n), r(n, 1.0 / static_cast<double>(n)), p(n);
    for (double& v : x) v = draw(random, -8, 8) / 4.0;
    for (double& v : g) v = draw(random, -50, 50) / 7.0;
    x[0] = -1.0 - x[0] * x[0], x[1] = 1.0 + x[1] * x[1];
    std::vector<State> states(n);
    std::iota(states.begin(), states.end(), 0);
    RowProjection solve(Divergence::linear, nullptr, g);
    const Projection found = solve({states, r, x}, p);
    const RowPolytope polytope(x);
    double best = infinity;
    for (Offset k = 0; k < polytope.n_vertices(); ++k) {
      const auto v = polytope.vertex(k);
      best = std::min(best, v.weight * g[v.first] + (1.0 - v.weight) * g[v.second]);
    }
    REQUIRE(found.divergence == Approx(best).margin(1e-13));
    REQUIRE(dot(p, g) == Approx(best).margin(1e-13));
    REQUIRE(std::abs(dot(p, x)) <= 1e-14);
    REQUIRE(std::abs(found.duality_gap) <= 1e-13);
  }
}
