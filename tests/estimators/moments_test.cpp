#include "estimators/moments.hpp"

#include <cmath>
#include <numeric>

#include <catch2/catch.hpp>

#include "estimators/enumeration.hpp"
#include "estimators/methods/causal.hpp"
#include "estimators/recursion.hpp"
#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "libmdp/random.hpp"
#include "tests/estimators/score_statistic.hpp"
#include "tests/support/random_mdp.hpp"

namespace {

using namespace mdp::estimators;
using mdp::Mdp;
using mdp::Offset;
using mdp::State;

std::vector<Offset> all_rows(const Mdp& m) {
  std::vector<Offset> rows(static_cast<std::size_t>(m.n_rows()));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

std::vector<double> random_baseline(std::uint64_t seed, const Mdp& m) {
  mdp::RandomSequence random(seed, mdp::RandomStream::test, 3);
  std::vector<double> b(static_cast<std::size_t>(m.n_states()));
  for (double& x : b) x = 2.0 * random.uniform() - 1.0;
  return b;
}

/// Rounding of products of two estimates: |Gamma| <= N (N max|L| + max|b|) =: B with max|L|, max|b| <= 1; some 64 operations
/// a stage in the recursion, relative 2^-53 each, on sums of absolute values of at most B^2.
double tolerance(std::int64_t horizon) {
  const double n = static_cast<double>(horizon);
  const double bound = n * (n + 1.0);
  return 64.0 * n * 0x1p-53 * bound * bound;
}

TEST_CASE("X1 = X2: the recursion gives mean and covariance of the listed trajectories") {
  for (std::uint64_t seed = 0; seed < 24; ++seed) {
    CAPTURE(seed);
    const auto n_states = static_cast<State>(2 + seed % 2);
    const double discount = std::vector<double>{0.9, 1.0, 0.5, 0.0}[seed / 2 % 4];
    const auto horizon = static_cast<std::int64_t>(1 + seed % 5);
    const Mdp m = mdp::tests::random_mdp(seed, n_states, discount);
    const auto policy = mdp::tests::random_policy(seed, m);
    const auto baseline = seed % 3 == 0 ? std::vector<double>() : random_baseline(seed, m);

    const std::size_t k = 1 + static_cast<std::size_t>(m.n_rows());
    const EnumeratedMoments listed =
        enumerate_moments(m, policy, horizon, k, [&](const Path& path, std::span<double> x) {
          mdp::tests::score_statistic(m, policy, baseline, path.state, path.row, x);
        });
    CHECK(listed.total_probability == Approx(1.0).margin(1e-14));
    const MomentsOptions options{.horizon = horizon, .baseline = baseline, .covariance = true};
    const GradientMoments exact = score_gradient_moments(m, policy, logit_axes(all_rows(m)), options);

    const auto close = [&](double a, double b) { return std::abs(a - b) <= tolerance(horizon); };
    CHECK(close(exact.return_mean, listed.mean[0]));
    CHECK(close(exact.return_variance, listed.covariance[0]));
    for (std::size_t i = 1; i < k; ++i) {
      CHECK(close(exact.mean[i - 1], listed.mean[i]));
      CHECK(close(exact.variance[i - 1], listed.covariance[i * k + i]));
      CHECK(close(exact.covariance_with_return[i - 1], listed.covariance[i]));
      for (std::size_t j = 1; j < k; ++j) {
        CHECK(close(exact.covariance[(i - 1) * (k - 1) + j - 1], listed.covariance[i * k + j]));
      }
    }
  }
}

TEST_CASE("X2: the formulas of theory.md and the general recursion of a rule give the same moments") {
  const Mdp lake = mdp::generate::gridworld(mdp::generate::frozenlake4x4());
  const auto policy = mdp::tests::random_policy(4, lake);
  const std::vector<double> baseline = random_baseline(4, lake);
  const std::vector<Offset> rows = all_rows(lake);
  const auto m = score_gradient_moments(lake, policy, logit_axes(rows), {.horizon = 25, .baseline = baseline});
  const Problem problem(lake, policy, {.horizon = 25, .baseline = baseline});
  const ExactMoments r = RecursionStatistic<Causal>(problem, targets_of(lake, Quantity::policy_gradient)).exact(true);
  double largest = 0.0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(std::abs(m.mean[i] - r.mean[i]) < 1e-14);
    CHECK(std::abs(m.variance[i] - r.variance[i]) < 1e-13);
    largest = std::max(largest, r.variance[i]);
  }
  CHECK(largest > 1e-4);
}

TEST_CASE("X2 by directions: u^T C u, and the same bits in groups, pairs and for any number of threads") {
  const Mdp m = mdp::tests::random_mdp(31, 9, 0.9);
  const auto policy = mdp::tests::random_policy(31, m);
  const auto rows = all_rows(m);
  const MomentsOptions full{.horizon = 20, .covariance = true};
  const GradientMoments all = score_gradient_moments(m, policy, logit_axes(rows), full);
  const std::size_t k = rows.size();

  LogitDirection u{rows, {}};
  for (std::size_t i = 0; i < k; ++i) u.weight.push_back(std::sin(static_cast<double>(i)));
  const GradientMoments along = score_gradient_moments(m, policy, std::vector<LogitDirection>{u}, {.horizon = 20});
  double mean = 0.0, variance = 0.0, scale = 0.0;
  for (std::size_t i = 0; i < k; ++i) {
    mean += u.weight[i] * all.mean[i];
    for (std::size_t j = 0; j < k; ++j) {
      variance += u.weight[i] * u.weight[j] * all.covariance[i * k + j];
      scale += std::abs(u.weight[i] * u.weight[j] * all.covariance[i * k + j]);
    }
  }
  CHECK(along.mean[0] == Approx(mean).margin(1e-12 * scale));
  CHECK(along.variance[0] == Approx(variance).margin(1e-12 * scale));

  for (const int threads : {1, 2, 4}) {
    const GradientMoments grouped =
        score_gradient_moments(m, policy, logit_axes(rows), {.horizon = 20, .threads = threads});
    CHECK(grouped.mean == all.mean);
    CHECK(grouped.variance == all.variance);
    CHECK(grouped.covariance_with_return == all.covariance_with_return);
    CHECK(grouped.covariance.empty());
  }
}

TEST_CASE("X2: the exact mean is the gradient of J_N, by central differences") {
  const std::int64_t horizon = 12;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    CAPTURE(seed);
    const Mdp m = mdp::tests::random_mdp(100 + seed, 5, seed == 3 ? 1.0 : 0.95);
    std::vector<double> logits(static_cast<std::size_t>(m.n_rows()));
    mdp::RandomSequence random(seed, mdp::RandomStream::test, 4);
    for (double& x : logits) x = 2.0 * random.uniform() - 1.0;
    const auto performance = [&](const std::vector<double>& nu) {
      return score_gradient_moments(m, mdp::tests::softmax_policy(m, nu), {}, {.horizon = horizon}).return_mean;
    };
    const auto baseline = random_baseline(seed, m);  // leaves the mean where it is
    const GradientMoments exact = score_gradient_moments(
        m, mdp::tests::softmax_policy(m, logits), logit_axes(all_rows(m)), {.horizon = horizon, .baseline = baseline});
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double h = 0x1p-13;
      auto up = logits, down = logits;
      up[i] += h;
      down[i] -= h;
      // h^2 times a third derivative of at most N^4 / 6, and rounding / h
      const double allowed = h * h * std::pow(static_cast<double>(horizon), 4.0) / 6.0 + 1e-14 / h;
      CHECK(std::abs(exact.mean[i] - (performance(up) - performance(down)) / (2.0 * h)) < allowed);
    }
  }
}

TEST_CASE("X2: rows that are never taken, and inadmissible rows beside the path, do no harm") {
  mdp::MdpBuilder builder(3);
  builder.discount(0.5).initial(0, 1.0);
  builder.row(0, 1.0).to(1, 1.0);
  builder.row(0, mdp::infinity).to(2, 1.0);
  builder.row(1, 2.0).to(1, 1.0);
  builder.row(2, mdp::infinity).to(2, 1.0);  // never reached
  const Mdp m = builder.build();
  const std::vector<double> policy = {1.0, 0.0, 1.0, 1.0};
  const GradientMoments exact = score_gradient_moments(m, policy, logit_axes(all_rows(m)), {.horizon = 3});
  CHECK(exact.return_mean == 1.0 + 1.0 + 0.5);
  CHECK(exact.return_variance == 0.0);
  CHECK(exact.mean == std::vector<double>(4, 0.0));
  CHECK(exact.variance == std::vector<double>(4, 0.0));

  const std::vector<double> careless = {0.5, 0.5, 1.0, 1.0};
  CHECK_THROWS_WITH(score_gradient_moments(m, careless, {}, {.horizon = 3}),
                    Catch::Matchers::Contains("inadmissible action 1 in state 0"));
}

TEST_CASE("X2 refuses directions and baselines that do not fit") {
  using Catch::Matchers::Contains;
  const Mdp m = mdp::tests::random_mdp(1, 3, 0.9);
  const auto policy = mdp::uniform_policy(m);
  const std::vector<LogitDirection> wrong_row = {{{1000}, {1.0}}};
  CHECK_THROWS_WITH(score_gradient_moments(m, policy, wrong_row), Contains("direction 0 names row 1000"));
  const std::vector<LogitDirection> lengths = {{{0}, {1.0}}, {{0}, {}}};
  CHECK_THROWS_WITH(score_gradient_moments(m, policy, lengths), Contains("direction 1 has 1 rows and 0 weights"));
  CHECK_THROWS_WITH(score_gradient_moments(m, policy, {}, {.horizon = 0}), Contains("horizon = 0, required >= 1"));
  CHECK_THROWS_WITH(score_gradient_moments(m, policy, {}, {.baseline = {1.0}}), Contains("baseline has 1 entries"));
}

}  // namespace
