#include "estimators/score_gradient.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <catch2/catch.hpp>

#include "estimators/enumeration.hpp"
#include "estimators/moments.hpp"
#include "estimators/running_moments.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "tests/estimators/score_statistic.hpp"
#include "tests/support/random_mdp.hpp"
#include "tests/support/statistics.hpp"

namespace {

using namespace mdp::estimators;
using mdp::Mdp;
using mdp::Offset;

std::vector<Offset> all_rows(const Mdp& m) {
  std::vector<Offset> rows(static_cast<std::size_t>(m.n_rows()));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

TEST_CASE("E1: the sparse sum over visits is the formula, trajectory by trajectory") {
  for (const bool with_baseline : {false, true}) {
    const Mdp m = mdp::tests::random_mdp(8, 6, 0.9);
    const auto policy = mdp::tests::random_policy(8, m);
    const std::vector<double> baseline =
        with_baseline ? std::vector<double>{1, -1, 0.5, 0, 2, 3} : std::vector<double>();
    const SimulationOptions options{.n_trajectories = 700, .horizon = 15, .seed = 3};
    const Trajectories t = simulate(m, policy, options);
    std::vector<RunningMoments> expected(1 + policy.size());
    for (std::int64_t i = 0; i < t.n_trajectories; ++i) {
      std::vector<double> x(expected.size());
      std::vector<Offset> row(15);
      for (std::size_t k = 0; k < 15; ++k) row[k] = m.state_rows()[t.state[i * 16 + k]] + t.action[i * 15 + k];
      mdp::tests::score_statistic(m, policy, baseline, std::span(t.state).subspan(i * 16, 15), row, x);
      for (std::size_t j = 0; j < x.size(); ++j) expected[j].add(x[j]);
    }
    const ScoreGradient sampled = score_gradient(m, policy, options, baseline);
    CHECK(sampled.return_mean == Approx(expected[0].mean).margin(1e-13));
    CHECK(sampled.return_standard_deviation == Approx(expected[0].standard_deviation()).margin(1e-13));
    for (std::size_t j = 0; j < policy.size(); ++j) {
      CHECK(sampled.mean[j] == Approx(expected[1 + j].mean).margin(1e-12));
      CHECK(sampled.standard_deviation[j] == Approx(expected[1 + j].standard_deviation()).margin(1e-12));
      CHECK(sampled.standard_error[j] == sampled.standard_deviation[j] / std::sqrt(700.0));
    }
  }
}

TEST_CASE("E1 against X2: z-scores of the sampled mean") {
  const Mdp lake = mdp::generate::gridworld(mdp::generate::frozenlake4x4());
  struct Example {
    Mdp m;
    std::int64_t horizon;
    std::vector<double> baseline;
  };
  const std::vector<Example> examples = {{lake, 40, {}},
                                         {lake, 40, std::vector<double>(16, -0.3)},
                                         {mdp::tests::random_mdp(5, 8, 0.95), 30, {}},
                                         {mdp::tests::random_mdp(6, 8, 1.0), 10, {3, 1, -2, 1, 0, 0, 1, 1}}};
  for (const auto& [m, horizon, baseline] : examples) {
    const auto policy = mdp::tests::random_policy(17, m);
    const std::int64_t n = 20000;
    const ScoreGradient sampled =
        score_gradient(m, policy, {.n_trajectories = n, .horizon = horizon, .seed = 21}, baseline);
    const GradientMoments exact =
        score_gradient_moments(m, policy, logit_axes(all_rows(m)), {.horizon = horizon, .baseline = baseline});
    const double root_n = std::sqrt(static_cast<double>(n));
    CHECK(std::abs(sampled.return_mean - exact.return_mean) <=
          mdp::tests::normal_threshold * std::sqrt(exact.return_variance) / root_n);
    double sum_of_squares = 0.0;
    std::size_t counted = 0;
    for (std::size_t i = 0; i < policy.size(); ++i) {
      const double standard_error = std::sqrt(exact.variance[i]) / root_n;
      CHECK(std::abs(sampled.mean[i] - exact.mean[i]) <= mdp::tests::normal_threshold * standard_error + 1e-14);
      if (standard_error < 1e-12) continue;
      sum_of_squares += std::pow((sampled.mean[i] - exact.mean[i]) / standard_error, 2.0);
      ++counted;
    }
    // z-scores of N(0,1) kind are neither too large nor too small; they are dependent, hence the wide range.
    CHECK(sum_of_squares / static_cast<double>(counted) > 0.3);
    CHECK(sum_of_squares / static_cast<double>(counted) < 3.0);
  }
}

TEST_CASE("E1 against X2: over many seeds the z-scores are standard normal (Kolmogorov-Smirnov)") {
  const Mdp m = mdp::tests::random_mdp(12, 3, 0.9);
  const auto policy = mdp::tests::random_policy(12, m);
  const std::int64_t n = 1000;
  const std::size_t n_seeds = 400;
  const GradientMoments exact = score_gradient_moments(m, policy, logit_axes(all_rows(m)), {.horizon = 8});
  const auto row =
      static_cast<std::size_t>(std::max_element(exact.variance.begin(), exact.variance.end()) - exact.variance.begin());
  std::vector<double> p;
  for (std::uint64_t seed = 0; seed < n_seeds; ++seed) {
    const ScoreGradient sampled =
        score_gradient(m, policy, {.n_trajectories = n, .horizon = 8, .seed = seed, .threads = 1});
    const double z = (sampled.mean[row] - exact.mean[row]) / std::sqrt(exact.variance[row] / static_cast<double>(n));
    p.push_back(0.5 * std::erfc(-z / std::sqrt(2.0)));
  }
  std::sort(p.begin(), p.end());
  double distance = 0.0;
  for (std::size_t i = 0; i < n_seeds; ++i) {
    const double above = static_cast<double>(i + 1) / static_cast<double>(n_seeds) - p[i];
    distance = std::max({distance, above, 1.0 / static_cast<double>(n_seeds) - above});
  }
  // P(distance > x) <= 2 exp(-2 n x^2) (Dvoretzky, Kiefer, Wolfowitz; Massart): level 1e-9.
  CHECK(distance < std::sqrt(std::log(2e9) / (2.0 * static_cast<double>(n_seeds))));
}

TEST_CASE("E1 against X1: the sampled standard deviation, with the exact fourth moment") {
  const Mdp m = mdp::tests::random_mdp(12, 3, 0.9);
  const auto policy = mdp::tests::random_policy(12, m);
  const std::size_t k = 1 + policy.size();
  const std::int64_t horizon = 4;
  const auto statistic = [&](const Path& path, std::span<double> x) {
    mdp::tests::score_statistic(m, policy, {}, path.state, path.row, x);
  };
  const EnumeratedMoments exact = enumerate_moments(m, policy, horizon, k, statistic);
  const EnumeratedMoments squares =  // of (X - E X)^2: mean = variance, variance = fourth moment - variance^2
      enumerate_moments(m, policy, horizon, k, [&](const Path& path, std::span<double> x) {
        statistic(path, x);
        for (std::size_t i = 0; i < k; ++i) x[i] = (x[i] - exact.mean[i]) * (x[i] - exact.mean[i]);
      });
  const std::int64_t n = 50000;
  const ScoreGradient sampled = score_gradient(m, policy, {.n_trajectories = n, .horizon = horizon, .seed = 9});
  for (std::size_t i = 1; i < k; ++i) {
    const double variance = sampled.standard_deviation[i - 1] * sampled.standard_deviation[i - 1];
    const double error = std::sqrt(squares.covariance[i * k + i] / static_cast<double>(n));
    CHECK(std::abs(variance - exact.covariance[i * k + i]) <= mdp::tests::normal_threshold * error + 1e-14);
  }
}

TEST_CASE("E1: the same bits for any number of threads") {
  const Mdp m = mdp::generate::gridworld({.width = 12, .height = 12, .slip = 0.1, .discount = 0.95});
  const auto policy = mdp::uniform_policy(m);
  SimulationOptions options{.n_trajectories = 5000, .horizon = 60, .seed = 4, .threads = 1};  // two waves of blocks
  const ScoreGradient one = score_gradient(m, policy, options);
  for (const int threads : {2, 3, 4}) {
    options.threads = threads;
    const ScoreGradient many = score_gradient(m, policy, options);
    CHECK(one.mean == many.mean);
    CHECK(one.standard_deviation == many.standard_deviation);
    CHECK(one.n_visiting == many.n_visiting);
    CHECK(one.return_mean == many.return_mean);
    CHECK(one.return_standard_deviation == many.return_standard_deviation);
  }
  CHECK(one.n_visiting[0] == 5000);
  CHECK(one.n_visiting[143] == 0);  // the goal is final
}

TEST_CASE("E1: ending early in final states changes nothing") {
  // The lake with an unused extra cost-free action would not be final; here: a baseline of 0 against a tiny one.
  const Mdp lake = mdp::generate::gridworld(mdp::generate::frozenlake4x4());
  const auto policy = mdp::uniform_policy(lake);
  const SimulationOptions options{.n_trajectories = 300, .horizon = 50, .seed = 2};
  const ScoreGradient stopping = score_gradient(lake, policy, options);
  std::vector<double> tiny(16, 0.0);
  for (const int s : {5, 7, 11, 12, 15}) tiny[s] = 1e-300;  // no longer stops there
  const ScoreGradient running = score_gradient(lake, policy, options, tiny);
  for (std::size_t i = 0; i < policy.size(); ++i) CHECK(stopping.mean[i] == Approx(running.mean[i]).margin(1e-15));
  CHECK(stopping.return_mean == Approx(running.return_mean).margin(1e-15));
  CHECK(running.n_visiting[15] > 0);
}

TEST_CASE("E1 refuses what it cannot do") {
  using Catch::Matchers::Contains;
  const Mdp m = mdp::tests::random_mdp(1, 3, 0.9);
  const auto policy = mdp::uniform_policy(m);
  CHECK_THROWS_WITH(score_gradient(m, policy, {.n_trajectories = 0}), Contains("n_trajectories = 0"));
  CHECK_THROWS_WITH(score_gradient(m, policy, {}, std::vector<double>{1.0}), Contains("baseline has 1 entries"));
  CHECK_THROWS_WITH(score_gradient(m, policy, {}, std::vector<double>{1.0, mdp::infinity, 0.0}),
                    Contains("baseline of state 1 is not finite"));
  CHECK_THROWS_AS(score_gradient(m, std::vector<double>{1.0}), mdp::InvalidArgument);
}

}  // namespace
