#include "estimators/derivative_along.hpp"

#include <cmath>

#include <catch2/catch.hpp>

#include "estimators/score_gradient.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "tests/support/random_mdp.hpp"
#include "tests/support/statistics.hpp"

namespace {

using namespace mdp::estimators;

TEST_CASE("E1 along a direction: the same trajectories as the gradient, and the exact moments of X2") {
  const mdp::Mdp m = mdp::tests::random_mdp(4, 7, 0.9);
  const auto policy = mdp::tests::random_policy(4, m);
  LogitDirection u;
  for (mdp::Offset row = 0; row < m.n_rows(); row += 2) {
    u.row.push_back(row);
    u.weight.push_back(std::cos(static_cast<double>(row)));
  }
  const SimulationOptions options{.n_trajectories = 20001, .horizon = 12, .seed = 6};
  const SampledDerivative along = sample_derivative_along(m, policy, u, options);
  const ScoreGradient gradient = score_gradient(m, policy, options);
  double expected = 0.0;
  for (std::size_t i = 0; i < u.row.size(); ++i) expected += u.weight[i] * gradient.mean[u.row[i]];
  CHECK(along.mean == Approx(expected).epsilon(1e-10));
  CHECK(along.return_mean == Approx(gradient.return_mean).epsilon(1e-12));

  const GradientMoments exact = score_gradient_moments(m, policy, std::vector<LogitDirection>{u}, {.horizon = 12});
  const double error = std::sqrt(exact.variance[0] / 20001.0);
  CHECK(std::abs(along.mean - exact.mean[0]) < mdp::tests::normal_threshold * error);
  CHECK(along.standard_deviation == Approx(std::sqrt(exact.variance[0])).epsilon(0.05));
  for (const int threads : {1, 2, 4}) {
    SimulationOptions other = options;
    other.threads = threads;
    CHECK(sample_derivative_along(m, policy, u, other).mean == along.mean);
  }
}

TEST_CASE("Trajectories drawn side by side are those drawn one by one") {
  const mdp::Mdp m = mdp::generate::gridworld({.width = 7, .height = 5, .slip = 0.1, .discount = 0.9});
  const Simulator simulator(m, mdp::tests::random_policy(2, m));
  const std::int64_t n = 37;  // no multiple of the lanes
  const std::size_t steps = 20;
  std::vector<std::vector<mdp::Offset>> rows(n), entries(n);
  simulator.draw_side_by_side(9, 100, n, 20,
                              [&](std::int64_t i, std::int64_t k, mdp::State s, mdp::Offset row, mdp::Offset entry) {
                                CHECK(k == static_cast<std::int64_t>(rows[i].size()));
                                CHECK(m.state_of(row) == s);
                                rows[i].push_back(row);
                                entries[i].push_back(entry);
                              });
  for (std::int64_t i = 0; i < n; ++i) {
    std::vector<mdp::Offset> row(steps), entry(steps);
    std::vector<mdp::State> state(steps + 1);
    simulator.draw(
        9, static_cast<std::uint64_t>(100 + i), row, state, [](mdp::State) { return false; }, entry);
    CHECK(row == rows[i]);
    CHECK(entry == entries[i]);
  }
}

TEST_CASE("E1 along a direction refuses what does not fit") {
  using Catch::Matchers::Contains;
  const mdp::Mdp m = mdp::tests::random_mdp(1, 3, 0.9);
  const auto policy = mdp::uniform_policy(m);
  CHECK_THROWS_WITH(sample_derivative_along(m, policy, {{0}, {}}), Contains("1 rows and 0 weights"));
  CHECK_THROWS_WITH(sample_derivative_along(m, policy, {{-1}, {1.0}}), Contains("names row -1"));
  CHECK_THROWS_WITH(sample_derivative_along(m, policy, {}, {.horizon = 0}), Contains("horizon = 0"));
}

}  // namespace
