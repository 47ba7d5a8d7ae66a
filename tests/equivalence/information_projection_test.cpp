// T6: the information projection of a row, by closed forms, optimality conditions and duality.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "equivalence/row_projection.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using mdp::tests::draw;

namespace {

using Vector = std::vector<double>;

struct Solved : Projection {
  Vector p;
};

Solved project(const Vector& r, const Vector& x, double tie = 0.0, double slack = 0.0) {
  Vector p(r.size());
  const std::vector<State> states(r.size());
  RowProjection solver(Divergence::kl);
  const Projection projection = solver({states, r, x, tie, slack}, p);
  return {projection, p};
}

Vector minus(Vector v, double tau) {
  for (double& x : v) x -= tau;
  return v;
}

// KL(p || r), summed as it is written.
long double divergence(const Vector& p, const Vector& r) {
  long double sum = 0.0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (p[i] > 0.0) sum += static_cast<long double>(p[i]) * std::log(static_cast<long double>(p[i]) / r[i]);
  }
  return sum;
}

long double moment(const Vector& p, const Vector& x) {
  long double sum = 0.0, mass = 0.0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (p[i] == 0.0) continue;
    sum += static_cast<long double>(p[i]) * x[i];
    mass += p[i];
  }
  return sum / mass;
}

Vector random_distribution(std::mt19937& random, std::size_t n) {
  Vector r(n);
  for (double& x : r) x = std::exp(-0.1 * draw(random, 0, 100));
  const double sum = std::accumulate(r.begin(), r.end(), 0.0);
  for (double& x : r) x /= sum;
  return r;
}

}  // namespace

TEST_CASE("T6: two points, in closed form") {
  // p = (tau - v0)/(v1 - v0), lambda = (logit p - logit r)/(v1 - v0), KL of two Bernoulli laws.
  for (const double scale : {1.0, 1e-280, 1e300, -3.0}) {
    for (const double target : {0.5, 0.9, 1e-3, 1.0 - 0x1p-40}) {
      CAPTURE(scale, target);
      const Vector r{0.75, 0.25};
      const auto s = project(r, {-target * scale, (1.0 - target) * scale});
      REQUIRE(s.outcome == RowOutcome::projected);
      REQUIRE(s.p[1] == Approx(target).epsilon(1e-15));
      REQUIRE(s.p[0] == Approx(1.0 - target).epsilon(1e-15));
      const double lambda = (std::log(target) - std::log(1.0 - target) - std::log(0.25 / 0.75)) / scale;
      REQUIRE(s.multiplier == Approx(lambda).epsilon(1e-14));
      const double kl = target * std::log(target / 0.25) + (1.0 - target) * std::log((1.0 - target) / 0.75);
      REQUIRE(s.divergence == Approx(kl).epsilon(1e-14));
      REQUIRE(std::abs(s.duality_gap) <= 1e-14);
    }
  }
}

TEST_CASE("T6: three points in closed form, a loaded die of Jaynes beside it") {
  // Uniform on {-1, 0, 1}: p proportional to (1/z, 1, z); mean m gives z from (1-m) z^2 - m z - (1+m) = 0.
  const double m = 0.3;
  const double z = (m + std::sqrt(m * m + 4.0 * (1.0 - m) * (1.0 + m))) / (2.0 * (1.0 - m));
  const double sum = 1.0 / z + 1.0 + z;
  const auto s = project({1.0 / 3, 1.0 / 3, 1.0 / 3}, {-1.0 - m, -m, 1.0 - m});
  REQUIRE(s.multiplier == Approx(std::log(z)).epsilon(1e-14));
  REQUIRE(s.p[0] == Approx(1.0 / z / sum).epsilon(1e-14));
  REQUIRE(s.p[2] == Approx(z / sum).epsilon(1e-14));

  // Jaynes (1963): a die with mean 4.5 has (0.05435, 0.07877, 0.11416, 0.16545, 0.23977, 0.34749).
  const auto die = project(Vector(6, 1.0 / 6), minus({1, 2, 3, 4, 5, 6}, 4.5));
  const Vector expected{0.05435, 0.07877, 0.11416, 0.16545, 0.23977, 0.34749};
  for (std::size_t i = 0; i < 6; ++i) REQUIRE(std::abs(die.p[i] - expected[i]) < 1e-5);
}

TEST_CASE("T6: random rows meet the moment equation, the KKT conditions and the dual value; no neighbour is nearer") {
  const auto seed = 20261124U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 2000; ++trial) {
    CAPTURE(trial);
    const auto n = static_cast<std::size_t>(draw(random, 3, 12));
    const Vector r = random_distribution(random, n);
    Vector x(n);
    const double scale = std::ldexp(1.0, draw(random, -200, 200));
    for (double& v : x) v = scale * draw(random, -1000, 1000) / 1000.0;
    x[0] = -scale * draw(random, 1, 1000) / 1000.0;
    x[1] = scale * draw(random, 1, 1000) / 1000.0;

    const auto s = project(r, x);
    if (s.outcome == RowOutcome::kept) continue;

    REQUIRE(s.outcome == RowOutcome::projected);
    const double spread = *std::max_element(x.begin(), x.end()) - *std::min_element(x.begin(), x.end());
    REQUIRE(std::abs(static_cast<double>(moment(s.p, x))) <= 4.0 * unit_roundoff * spread);
    REQUIRE(std::accumulate(s.p.begin(), s.p.end(), 0.0) == Approx(1.0).epsilon(4e-16));
    // KKT: log(p/r) = lambda x - log Z.
    const double log_z = s.multiplier * x[0] - std::log(s.p[0] / r[0]);
    for (std::size_t i = 0; i < n; ++i) {
      const double size = 1.0 + std::abs(s.multiplier * x[i]) + std::abs(s.multiplier * x[0]);
      REQUIRE(std::abs(std::log(s.p[i] / r[i]) - (s.multiplier * x[i] - log_z)) <= 1e-13 * size);
    }
    const auto kl = static_cast<double>(divergence(s.p, r));
    REQUIRE(s.divergence == Approx(kl).epsilon(1e-12).margin(1e-15));
    REQUIRE(std::abs(s.duality_gap) <= 1e-12 * (1.0 + kl));
    // A direction that keeps mass and moment: KL grows both ways.
    const std::size_t i = 0, j = 1, k = 2;
    Vector d(n, 0.0);
    d[i] = (x[k] - x[j]) / scale;
    d[j] = (x[i] - x[k]) / scale;
    d[k] = (x[j] - x[i]) / scale;
    const double room = 0.5 * std::min({s.p[i], s.p[j], s.p[k]}) / 2.0;
    if (room < 1e-6) continue;
    for (const double step : {room, -room}) {
      Vector moved = s.p;
      for (std::size_t l = 0; l < n; ++l) moved[l] += step * d[l];
      REQUIRE(divergence(moved, r) > divergence(s.p, r));
    }
  }
}

TEST_CASE("T6: the reference is kept to the bit where it meets the equation") {
  const auto s = project({0.25, 0.5, 0.25}, {-1.0, 0.0, 1.0});
  REQUIRE(s.outcome == RowOutcome::kept);
  REQUIRE(s.p == Vector{0.25, 0.5, 0.25});
  REQUIRE(s.divergence == 0.0);
  REQUIRE(s.multiplier == 0.0);
}

TEST_CASE("T6: at an end of the interval r is conditioned on the extreme states") {
  const auto upper = project({0.2, 0.3, 0.1, 0.4}, {-3.0, 0.0, -1.0, 0.0});
  REQUIRE(upper.outcome == RowOutcome::boundary);
  REQUIRE(upper.multiplier == infinity);
  REQUIRE(upper.p[1] == Approx(3.0 / 7));
  REQUIRE(upper.p[3] == Approx(4.0 / 7));
  REQUIRE(upper.p[0] + upper.p[2] == 0.0);
  REQUIRE(upper.divergence == Approx(-std::log(0.7)));  // KL of a conditioned law
  REQUIRE(project({0.5, 0.5}, {0.0, 2.0}).multiplier == -infinity);

  SECTION("and the limit is continuous") {
    const auto near = project({0.2, 0.3, 0.1, 0.4}, minus({-3.0, 0.0, -1.0, 0.0}, -1e-9));
    REQUIRE(near.outcome == RowOutcome::projected);
    REQUIRE(near.divergence == Approx(-std::log(0.7)).margin(1e-7));
    REQUIRE(std::abs(static_cast<double>(moment(near.p, minus({-3.0, 0.0, -1.0, 0.0}, -1e-9)))) <= 1e-24);
  }
}

TEST_CASE("T6: outside the interval the nearest row is given and called infeasible") {
  const auto s = project({0.5, 0.25, 0.25}, {1.0, 2.0, 1.0}, 0.0, 0.5);
  REQUIRE(s.outcome == RowOutcome::infeasible);
  REQUIRE(s.divergence == infinity);
  REQUIRE(std::isnan(s.multiplier));
  REQUIRE(s.p[0] == Approx(2.0 / 3));
  REQUIRE(s.p[1] == 0.0);
  REQUIRE(static_cast<double>(moment(s.p, {1.0, 2.0, 1.0})) == 1.0);
  // Missed by no more than the slack: met.
  REQUIRE(project({0.5, 0.25, 0.25}, {0.25, 2.0, 0.25}, 0.0, 0.5).outcome == RowOutcome::boundary);
}

TEST_CASE("T6: support outside D is dropped; without any D the reference stays") {
  const auto s = project({0.5, 0.25, 0.25}, {infinity, -1.0, 1.0});
  REQUIRE(s.outcome == RowOutcome::kept);  // conditioned on D it is balanced
  REQUIRE(s.p == Vector{0.0, 0.5, 0.5});
  REQUIRE(s.divergence == Approx(std::log(2.0)));
  const auto tilted = project({0.5, 0.25, 0.25}, {infinity, -1.0, 3.0});
  REQUIRE(tilted.p[1] == Approx(0.75));
  REQUIRE(tilted.divergence == Approx(0.75 * std::log(3.0)));
  const auto none = project({0.5, 0.5}, {infinity, infinity});
  REQUIRE(none.outcome == RowOutcome::infeasible);
  REQUIRE(none.p == Vector{0.5, 0.5});
}

TEST_CASE("T6: V* constant on D up to rounding decides nothing but feasibility") {
  REQUIRE(project({0.3, 0.7}, {1e-16, -2e-16}, 1e-15, 1e-15).outcome == RowOutcome::kept);
  REQUIRE(project({0.3, 0.7}, {1e-16, -2e-16}, 1e-15, 1e-15).p == Vector{0.3, 0.7});
  REQUIRE(project({0.3, 0.7}, {0.5, 0.5}, 1e-15, 1e-15).outcome == RowOutcome::infeasible);
}

TEST_CASE("T6: near ties, tiny references and far ends are still met to a few ulps of the spread") {
  struct Case {
    Vector r, x;
  };
  const Case cases[] = {
      {{0.5, 0.25, 0.25}, {-1.0, -0x1p-45, 0x1p-44}},       // two states almost at tau, one far away
      {{1e-300, 1.0}, {1.0, -1.0}},                         // nearly all mass where it must not be
      {{1.0 - 1e-15, 1e-15}, {-1e-12, 1.0}},                // the rare state balances alone
      {{0.1, 0.2, 0.7}, {-1e150, 1e-150, 1e150}},           // 300 orders of magnitude
      {{0.999, 0.0005, 0.0005}, {1e-3, 1e3, -1e-9}},        // tau close to the lower end
      {{0.25, 0.25, 0.25, 0.25}, {-1e-9, -1.0, -2.0, 5e9}}  // a spread of 1e18 ratios
  };
  for (const auto& c : cases) {
    const auto s = project(c.r, c.x);
    REQUIRE(s.outcome == RowOutcome::projected);
    long double absolute = 0.0;
    for (std::size_t i = 0; i < c.r.size(); ++i) absolute += static_cast<long double>(s.p[i]) * std::abs(c.x[i]);
    REQUIRE(std::abs(static_cast<double>(moment(s.p, c.x))) <= 4.0 * unit_roundoff * static_cast<double>(absolute));
    REQUIRE(s.divergence >= 0.0);
    REQUIRE(std::abs(s.duality_gap) <= 1e-12 * (1.0 + s.divergence));
  }
}

TEST_CASE("T6: rows over many orders of magnitude, ties of 1e-13 among them, balance to a rounding") {
  const auto seed = 20261129U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto log_uniform = [&random](int decades) {
    return std::pow(10.0, -decades * draw(random, 0, 10000) / 10000.0);
  };
  for (int trial = 0; trial < 20000; ++trial) {
    CAPTURE(trial);
    const auto n = static_cast<std::size_t>(draw(random, 2, 9));
    const int r_decades = draw(random, 0, 2) == 0 ? 130 : 2;
    const int x_decades = draw(random, 0, 2) == 0 ? 17 : 1;
    const bool near_tie = draw(random, 0, 3) == 0;
    Vector r(n), x(n);
    for (double& value : r) value = log_uniform(r_decades);
    for (double& value : x) value = log_uniform(x_decades) * (draw(random, 0, 1) == 0 ? 1.0 : -1.0);
    if (near_tie) {
      for (std::size_t i = 1; i < n; ++i) x[i] = x[0] + 1e-13 * x[i];
    }
    x[0] = std::abs(x[0]);
    x[1] = -std::abs(x[1]);
    const double sum = std::accumulate(r.begin(), r.end(), 0.0);
    for (double& value : r) value /= sum;

    const auto s = project(r, x);
    if (s.outcome == RowOutcome::kept) continue;

    REQUIRE(s.outcome == RowOutcome::projected);
    long double absolute = 0.0;
    for (std::size_t i = 0; i < n; ++i) absolute += static_cast<long double>(s.p[i]) * std::abs(x[i]);
    REQUIRE(std::abs(static_cast<double>(moment(s.p, x) / absolute)) <= 2.0 * unit_roundoff);
    REQUIRE(std::abs(std::accumulate(s.p.begin(), s.p.end(), -1.0)) <= 8.0 * unit_roundoff);
    REQUIRE(s.divergence >= 0.0);
    REQUIRE(std::abs(s.duality_gap) <= 1e-14 * (1.0 + s.divergence));
  }
}

TEST_CASE("T6: the divergence of a row that hardly moves keeps its digits") {
  // KL is half the square of the shift over the variance: (1e-9)^2/2 for a fair coin on -1, 1.
  const auto s = project({0.5, 0.5}, minus({-1.0, 1.0}, 1e-9));
  REQUIRE(s.divergence == Approx(0.5e-18).epsilon(1e-6));
}
