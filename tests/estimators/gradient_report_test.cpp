#include "estimators/gradient_report.hpp"

#include <algorithm>
#include <cmath>

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "tests/support/random_mdp.hpp"

namespace {

using namespace mdp::estimators;
using mdp::Mdp;
using mdp::Offset;

TEST_CASE("two-sided normal quantiles are those of the tables") {
  CHECK(two_sided_normal_quantile(0.05) == Approx(1.959963984540054).epsilon(1e-12));
  CHECK(two_sided_normal_quantile(2e-9) == Approx(5.9978070150).epsilon(1e-9));
}

TEST_CASE("E1, X2, D6: sampled, exact and true gradient of FrozenLake agree up to noise and horizon") {
  const Mdp lake = mdp::generate::gridworld(mdp::generate::frozenlake4x4());
  const auto policy = mdp::tests::random_policy(3, lake);
  const GradientReport report =
      gradient_report(lake, policy, {.simulation = {.n_trajectories = 20000, .horizon = 60, .seed = 5}});
  REQUIRE(report.rows.size() == 64);
  CHECK(report.consistent);
  CHECK(report.n_judged >= 40);
  CHECK(report.max_abs_z > 0.5);
  CHECK(report.z_threshold == two_sided_normal_quantile(1e-6 / static_cast<double>(report.n_judged)));
  CHECK(std::abs(report.return_z) < 6.0);
  double largest_bias = 0.0;
  for (std::size_t i = 0; i < 64; ++i) {
    CHECK(report.bias[i] == report.exact.mean[i] - report.truth[i]);
    CHECK(std::abs(report.bias[i]) <= report.sampled.gradient_truncation_bound + report.truth_error_bound);
    largest_bias = std::max(largest_bias, std::abs(report.bias[i]));
    if (report.exact.variance[i] > 0.0) {
      CHECK(report.sampled.mean[i] ==
            Approx(report.exact.mean[i] + report.z[i] * std::sqrt(report.exact.variance[i] / 20000)));
    } else {
      CHECK(std::isnan(report.z[i]));
    }
  }
  CHECK(largest_bias > 1e-9);  // 60 steps are not for ever
  CHECK(std::abs(report.return_bias) <= report.sampled.return_truncation_bound);
}

TEST_CASE("X2 = D6: over a long horizon the exact mean is the policy gradient theorem's") {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    CAPTURE(seed);
    const Mdp m = mdp::tests::random_mdp(40 + seed, 6, 0.9);
    const auto policy = mdp::tests::random_policy(seed, m);
    const GradientReport report =
        gradient_report(m, policy, {.simulation = {.n_trajectories = 2, .horizon = 400}});  // 0.9^400 = 5e-19
    CHECK(report.return_bias == Approx(0.0).margin(1e-12));
    for (const double bias : report.bias) CHECK(bias == Approx(0.0).margin(1e-11));
  }
}

TEST_CASE("a report of many parameters keeps those that matter most") {
  const Mdp lake = mdp::generate::gridworld(mdp::generate::frozenlake4x4());
  const auto policy = mdp::uniform_policy(lake);
  const SimulationOptions simulation{.n_trajectories = 100, .horizon = 20};
  const GradientReport all = gradient_report(lake, policy, {.simulation = simulation});
  const GradientReport few = gradient_report(lake, policy, {.simulation = simulation, .max_parameters = 5});
  REQUIRE(few.rows.size() == 5);
  CHECK(std::is_sorted(few.rows.begin(), few.rows.end()));
  std::vector<double> magnitudes;
  for (const double t : all.truth) magnitudes.push_back(std::abs(t));
  std::sort(magnitudes.rbegin(), magnitudes.rend());
  for (const double t : few.truth) CHECK(std::abs(t) >= magnitudes[4]);

  const double a_logit = 20.0 * static_cast<double>(lake.n_transitions());
  CHECK(gradient_report(lake, policy, {.simulation = simulation, .max_products = 3.5 * a_logit}).rows.size() == 3);
  CHECK(gradient_report(lake, policy, {.simulation = simulation, .max_products = 1.0}).rows.size() == 1);

  const GradientReport asked = gradient_report(lake, policy, {.simulation = simulation, .rows = {56, 3}});
  CHECK(asked.rows == std::vector<Offset>{56, 3});
  CHECK(asked.exact.mean[1] == all.exact.mean[3]);
}

TEST_CASE("a report without discounting has no truth beyond its horizon") {
  const Mdp m = mdp::tests::random_mdp(2, 4, 1.0);
  const auto policy = mdp::uniform_policy(m);
  const GradientReport report =
      gradient_report(m, policy, {.simulation = {.n_trajectories = 2000, .horizon = 10}, .max_parameters = 3});
  CHECK(report.rows.size() == 3);
  CHECK(std::isnan(report.truth[0]));
  CHECK(std::isnan(report.bias[0]));
  CHECK(std::isnan(report.return_truth));
  CHECK(report.consistent);
}

TEST_CASE("a report refuses what it cannot do") {
  using Catch::Matchers::Contains;
  const Mdp m = mdp::tests::random_mdp(2, 4, 0.9);
  const auto policy = mdp::uniform_policy(m);
  CHECK_THROWS_WITH(gradient_report(m, policy, {.max_parameters = 0}), Contains("max_parameters = 0, required >= 1"));
  CHECK_THROWS_WITH(gradient_report(m, policy, {.max_products = 0.0}), Contains("max_products = 0"));
  CHECK_THROWS_WITH(gradient_report(m, policy, {.level = 1.0}), Contains("required 0 < level < 1"));
  CHECK_THROWS_WITH(gradient_report(m, policy, {.min_visiting = 0}), Contains("min_visiting = 0, required >= 1"));
  CHECK_THROWS_WITH(gradient_report(m, policy, {.simulation = {.horizon = 0}}), Contains("horizon = 0"));
  CHECK_THROWS_WITH(gradient_report(m, policy, {.rows = {-1}}), Contains("names row -1"));
}

}  // namespace
