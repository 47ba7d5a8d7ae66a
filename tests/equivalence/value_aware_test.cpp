// Value-aware fits: the hull projection against its optimality conditions, VAML, iterated VAML.
#include "equivalence/value_aware.hpp"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "equivalence/candidate.hpp"
#include "equivalence/nearest_in_hull.hpp"
#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "solvers/solve.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;

namespace {

double uniform(std::mt19937& random) { return static_cast<double>(random() % 100001) / 50000.0 - 1.0; }

double expectation(const Mdp& mdp, std::size_t row, const std::vector<double>& v) {
  double sum = 0.0;
  for (auto k = static_cast<std::size_t>(mdp.row_begin()[row]); k < static_cast<std::size_t>(mdp.row_begin()[row + 1]);
       ++k) {
    sum += mdp.probability()[k] * v[static_cast<std::size_t>(mdp.next_state()[k])];
  }
  return sum;
}

Mdp sample_world(std::mt19937& random, int max_states = 6) {
  return tests::random_mdp(random, tests::random_shape(random, max_states), Discount(0.8));
}

}  // namespace

TEST_CASE("the nearest point of a hull: weights, gap, and no point is nearer") {
  std::mt19937 random(3);
  for (int trial = 0; trial < 400; ++trial) {
    const std::size_t dimension = 1 + random() % 4, n = 1 + random() % 12;
    const double scale = std::pow(10.0, static_cast<double>(random() % 21) - 10.0);
    const double shift = random() % 2 == 0 ? 0.0 : 2.0 * uniform(random);
    std::vector<double> points(n * dimension);
    for (double& x : points) x = scale * (uniform(random) + shift);
    const NearestInHull found = nearest_in_hull(points, dimension);
    double sum = 0.0;
    std::vector<double> x(dimension, 0.0);
    for (std::size_t i = 0; i < found.corral.size(); ++i) {
      REQUIRE(found.weight[i] > 0.0);
      sum += found.weight[i];
      for (std::size_t d = 0; d < dimension; ++d) x[d] += found.weight[i] * points[found.corral[i] * dimension + d];
    }
    REQUIRE(sum == Approx(1.0).epsilon(1e-14));
    REQUIRE(found.corral.size() <= dimension + 1);
    for (std::size_t d = 0; d < dimension; ++d) REQUIRE(x[d] == Approx(found.nearest[d]).margin(1e-14 * scale));
    // <x, y> >= |x|^2 - gap for every point y (optimality), and the gap is rounding.
    REQUIRE(found.gap <= 1e-13 * scale * scale);
    for (std::size_t i = 0; i < n; ++i) {
      double product = 0.0;
      for (std::size_t d = 0; d < dimension; ++d) product += found.nearest[d] * points[i * dimension + d];
      REQUIRE(product >= found.square - found.gap - 1e-15 * scale * scale);
    }
  }
}

TEST_CASE("VAML, deterministic rows: no allowed successor has a smaller loss") {
  std::mt19937 random(11);
  for (int trial = 0; trial < 100; ++trial) {
    const Mdp data = sample_world(random);
    const auto n = static_cast<std::size_t>(data.n_states());
    std::vector<std::vector<double>> values(1 + random() % 3, std::vector<double>(n));
    for (auto& v : values) {
      for (double& x : v) x = 10.0 * uniform(random);
    }
    const ValueAwareFit fit = fit_value_aware(data, values);
    for (std::size_t row = 0; row < static_cast<std::size_t>(data.n_rows()); ++row) {
      const auto loss = [&](const std::vector<double>& means) {
        double square = 0.0;
        for (std::size_t j = 0; j < values.size(); ++j) {
          square += std::pow(means[j] - expectation(data, row, values[j]), 2);
        }
        return std::sqrt(square);
      };
      std::vector<double> own;
      for (const auto& v : values) own.push_back(expectation(*fit.model, row, v));
      REQUIRE(fit.loss[row] == Approx(loss(own)).margin(1e-12));
      REQUIRE(fit.model->row_begin()[row + 1] - fit.model->row_begin()[row] == 1);
      for (std::size_t s = 0; s < n; ++s) {
        std::vector<double> at;
        for (const auto& v : values) at.push_back(v[s]);
        REQUIRE(fit.loss[row] <= loss(at) + 1e-12);
      }
    }
  }
}

TEST_CASE("VAML on a support: loss 0 wherever the target is inside the hull, rows of the class stay") {
  std::mt19937 random(13);
  for (int trial = 0; trial < 60; ++trial) {
    const Mdp data = sample_world(random);
    std::vector<double> v(static_cast<std::size_t>(data.n_states()));
    for (double& x : v) x = uniform(random);
    const ValueAwareFit all = fit_value_aware(data, {v}, {.rows = ValueAwareRows::support});
    REQUIRE(all.max_loss == 0.0);  // every row is in the class
    REQUIRE(all.model->probability().size() == data.probability().size());

    const Mdp other = tests::random_mdp(
        random,
        [&] {
          std::vector<int> shape;
          for (State s = 0; s < data.n_states(); ++s) shape.push_back(static_cast<int>(data.n_actions(s)));
          return shape;
        }(),
        Discount(0.8));
    const ValueAwareFit fit = fit_value_aware(data, {v}, {.rows = ValueAwareRows::support, .allowed = other});
    for (std::size_t row = 0; row < static_cast<std::size_t>(data.n_rows()); ++row) {
      double low = infinity, high = -infinity;
      for (auto k = static_cast<std::size_t>(other.row_begin()[row]);
           k < static_cast<std::size_t>(other.row_begin()[row + 1]); ++k) {
        low = std::min(low, v[static_cast<std::size_t>(other.next_state()[k])]);
        high = std::max(high, v[static_cast<std::size_t>(other.next_state()[k])]);
      }
      const double target = expectation(data, row, v);
      REQUIRE(fit.loss[row] == Approx(std::max({0.0, low - target, target - high})).margin(1e-10));
    }
  }
}

TEST_CASE("T6: with the one function V* and loss 0 the model has Q*") {
  std::mt19937 random(17);
  for (int trial = 0; trial < 20; ++trial) {
    const Mdp world = sample_world(random);
    const auto solved = solvers::solve(world);
    const ValueAwareFit fit = fit_value_aware(world, {solved.values}, {.rows = ValueAwareRows::deterministic});
    const auto candidate = assess_candidate(world, solved, *fit.model);
    REQUIRE(candidate.defect.epsilon <= 0.8 * fit.max_loss + 1e-9);
    REQUIRE(candidate.distance.norm.upper <= 0.8 * fit.max_loss / 0.2 + 1e-8);  // T9
  }
}

TEST_CASE("iterated VAML in an unrestricted class is value iteration on the data") {
  std::mt19937 random(19);
  const Mdp data = sample_world(random);
  const IteratedFit fit = fit_iterated_value_aware(data, {.fit = {.rows = ValueAwareRows::support}});
  REQUIRE(fit.status == Status::converged);
  const auto solved = solvers::solve(data);
  for (std::size_t s = 0; s < fit.values.size(); ++s) {
    REQUIRE(std::abs(fit.values[s] - solved.values[s]) < 1e-9 * 0.8 / 0.2 + 1e-9);
  }
}

TEST_CASE("misuse of value-aware fits") {
  std::mt19937 random(23);
  const Mdp data = sample_world(random);
  REQUIRE_THROWS_WITH(fit_value_aware(data, {}), Catch::Contains("at least one value function"));
  REQUIRE_THROWS_WITH(fit_value_aware(data, {{1.0}}), Catch::Contains("has 1 entries"));
  std::vector<double> v(static_cast<std::size_t>(data.n_states()), 0.0);
  v[0] = infinity;
  REQUIRE_THROWS_WITH(fit_value_aware(data, {v}), Catch::Contains("state 0, required finite"));
  REQUIRE_THROWS_AS(fit_iterated_value_aware(data, {.max_iterations = 0}), InvalidOption);
}
