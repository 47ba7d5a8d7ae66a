#include "estimators/derivative_along.hpp"

#include <cmath>

#include <catch2/catch.hpp>

#include "estimators/score_gradient.hpp"
#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
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

/// Every step of 37 trajectories (no multiple of the lanes) against those drawn one by one.
void check_side_by_side(const mdp::Mdp& m, bool packed) {
  Simulator simulator(m, mdp::tests::random_policy(2, m));
  const std::int64_t n = 37;
  const std::size_t steps = 20;
  CHECK_FALSE(simulator.pack_for(2 * m.n_rows() - 1));
  if (packed) REQUIRE(simulator.pack_for(2 * m.n_rows()));
  std::vector<std::vector<mdp::Offset>> rows(n);
  std::vector<std::vector<mdp::State>> states(n);
  simulator.draw_side_by_side(9, 100, n, 20,
                              [&](std::int64_t i, std::int64_t k, mdp::State s, mdp::Offset row, mdp::State next) {
                                CHECK(k == static_cast<std::int64_t>(rows[i].size()));
                                CHECK(m.state_of(row) == s);
                                rows[i].push_back(row);
                                states[i].push_back(s);
                                if (rows[i].size() == steps) states[i].push_back(next);
                              });
  for (std::int64_t i = 0; i < n; ++i) {
    std::vector<mdp::Offset> row(steps);
    std::vector<mdp::State> state(steps + 1);
    simulator.draw(9, static_cast<std::uint64_t>(100 + i), row, state, [](mdp::State) { return false; });
    CHECK(row == rows[i]);
    CHECK(state == states[i]);
  }
}

TEST_CASE("Trajectories drawn side by side are those drawn one by one, also with packed laws") {
  for (const bool packed : {false, true}) {
    CAPTURE(packed);
    check_side_by_side(mdp::generate::gridworld({.width = 7, .height = 5, .slip = 0.1, .discount = 0.9}), packed);
    check_side_by_side(mdp::generate::gridworld(mdp::generate::frozenlake4x4()), packed);
    for (std::uint64_t seed = 0; seed < 20; ++seed)
      check_side_by_side(mdp::tests::random_mdp(seed, static_cast<mdp::State>(1 + seed % 8), 0.9), packed);
  }
}

TEST_CASE("X1: a packed draw that equals the upper half of an end is decided by the law itself") {
  const std::uint64_t u = mdp::RandomSequence(7, mdp::RandomStream::test, 0).bits64() >> 2;
  for (const double p : {static_cast<double>(u >> 9) * 0x1p-53, static_cast<double>((u >> 9) + 1) * 0x1p-53}) {
    mdp::MdpBuilder b(2);
    b.discount(0.5);
    b.row(0, 0.0).to(0, p).to(1, 1.0 - p);
    b.row(1, 0.0).to(1, 1.0);
    const mdp::Mdp m = b.build();
    const auto policy = mdp::uniform_policy(m);
    const auto packed = PackedSteps::make(m, policy, 1);
    REQUIRE(packed);
    mdp::RandomSequence random(7, mdp::RandomStream::test, 0);
    CHECK(packed->draw_row(random, 0) == 0);  // takes no random number
    CHECK(packed->draw_next(random, 0) == scan(u, std::vector{p, 1.0 - p}));
    CHECK(packed->draw_next(random, 1) == 1);
  }
  mdp::generate::GarnetOptions wide;
  wide.shape.states = 20;
  wide.shape.successors = 9;
  const mdp::Mdp m = mdp::generate::garnet(wide);
  CHECK_FALSE(Simulator(m, mdp::uniform_policy(m)).pack_for(1'000'000));  // nine positions have an alias table
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
