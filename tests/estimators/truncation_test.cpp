#include "estimators/truncation.hpp"

#include <cmath>
#include <numeric>

#include <catch2/catch.hpp>

#include "estimators/final_states.hpp"
#include "estimators/moments.hpp"
#include "libmdp/builder.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "libmdp/policy.hpp"
#include "tests/support/random_mdp.hpp"

namespace {

using namespace mdp::estimators;
using mdp::Mdp;

GradientMoments at_horizon(const Mdp& m, const mdp::StochasticPolicy& policy, std::int64_t n) {
  std::vector<mdp::Offset> rows(static_cast<std::size_t>(m.n_rows()));
  std::iota(rows.begin(), rows.end(), 0);
  return score_gradient_moments(m, policy, logit_axes(rows), {.horizon = n});
}

void check_bounds(const Mdp& m, const mdp::StochasticPolicy& policy, std::int64_t long_horizon) {
  const GradientMoments limit = at_horizon(m, policy, long_horizon);
  for (const std::int64_t n : {1, 2, 5, 20}) {
    CAPTURE(n);
    const GradientMoments truncated = at_horizon(m, policy, n);
    const TruncationBounds bounds = truncation_bounds(m, policy, n);
    CHECK(std::abs(truncated.return_mean - limit.return_mean) <= bounds.performance + 1e-14);
    for (std::size_t i = 0; i < limit.mean.size(); ++i) {
      CHECK(std::abs(truncated.mean[i] - limit.mean[i]) <= bounds.gradient + 1e-14);
    }
  }
}

TEST_CASE("E5: what the horizon leaves out is within the bounds, for return and gradient") {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    CAPTURE(seed);
    const Mdp m = mdp::tests::random_mdp(seed, 4, seed % 2 == 0 ? 0.9 : 0.3);
    check_bounds(m, mdp::tests::random_policy(seed, m), 500);  // 0.9^500 = 1e-23
  }
}

TEST_CASE("E5: where trajectories end, the bounds know it") {
  const Mdp lake = mdp::generate::gridworld(mdp::generate::frozenlake4x4());
  const auto policy = mdp::tests::random_policy(1, lake);
  check_bounds(lake, policy, 3000);
  CHECK(truncation_bounds(lake, policy, 500).gradient < 1e-9);  // 0.99^500 alone is 0.007
  CHECK(truncation_bounds(lake, policy, 500).performance < 1e-9);
  CHECK(final_states(lake)[5] == 1);
  CHECK(final_states(lake)[6] == 0);
}

TEST_CASE("E5: the bound on the return is attained by a constant cost") {
  mdp::MdpBuilder builder(1);
  builder.discount(0.5).row(0, -3.0).to(0, 1.0);
  const Mdp m = builder.build();
  const TruncationBounds bounds = truncation_bounds(m, mdp::uniform_policy(m), 4);
  CHECK(bounds.performance >= 6.0 / 16);
  CHECK(bounds.performance <= 6.0 / 16 * (1 + 1e-10));
  CHECK(bounds.gradient == 0.0);
}

TEST_CASE("E5: the bound on the return counts the trajectories that have not ended") {
  // Stays with probability 1/2: alpha = 2^-N; J - J_N = (gamma/2)^N / (1 - gamma/2), where the bound has 1/(1 - gamma).
  mdp::MdpBuilder builder(2);
  builder.discount(0.5).initial(0, 1.0);
  builder.row(0, 1.0).to(0, 0.5).to(1, 0.5);
  builder.row(1, 0.0).to(1, 1.0);
  const Mdp m = builder.build();
  const double left_out = std::pow(0.25, 6.0) / 0.75;
  const double bound = truncation_bounds(m, mdp::uniform_policy(m), 6).performance;
  CHECK(bound >= left_out);
  CHECK(bound == Approx(std::pow(0.25, 6.0) / 0.5));
}

TEST_CASE("E5: the bound on the gradient is within a factor of two where it is tightest") {
  // One decision between costs 0 and 1 for ever after: dJ - dJ_N = gamma^N / (4 (1 - gamma)).
  const double gamma = 0x1p-10;
  mdp::MdpBuilder builder(3);
  builder.discount(gamma).initial(0, 1.0);
  builder.row(0, 0.0).to(1, 1.0);
  builder.row(0, 0.0).to(2, 1.0);
  builder.row(1, 0.0).to(1, 1.0);
  builder.row(2, 1.0).to(2, 1.0);
  const Mdp m = builder.build();
  const auto policy = mdp::uniform_policy(m);
  const double left_out = at_horizon(m, policy, 50).mean[1] - at_horizon(m, policy, 1).mean[1];
  CHECK(left_out == Approx(gamma / (4.0 * (1.0 - gamma))));
  CHECK(truncation_bounds(m, policy, 1).gradient >= left_out);
  CHECK(truncation_bounds(m, policy, 1).gradient <= 2.01 * left_out);
}

TEST_CASE("E5: without discounting there is no bound") {
  const Mdp m = mdp::tests::random_mdp(1, 3, 1.0);
  const TruncationBounds bounds = truncation_bounds(m, mdp::uniform_policy(m), 100);
  CHECK(bounds.performance == mdp::infinity);
  CHECK(bounds.gradient == mdp::infinity);
}

}  // namespace
