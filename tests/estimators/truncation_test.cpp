#include "estimators/truncation.hpp"

#include <cmath>
#include <numeric>

#include <catch2/catch.hpp>

#include "estimators/moments.hpp"
#include "libmdp/builder.hpp"
#include "libmdp/policy.hpp"
#include "tests/support/random_mdp.hpp"

namespace {

using namespace mdp::estimators;

TEST_CASE("E5: what the horizon leaves out is within the bounds, for return and gradient") {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    CAPTURE(seed);
    const mdp::Mdp m = mdp::tests::random_mdp(seed, 4, seed % 2 == 0 ? 0.9 : 0.3);
    const auto policy = mdp::tests::random_policy(seed, m);
    std::vector<mdp::Offset> rows(static_cast<std::size_t>(m.n_rows()));
    std::iota(rows.begin(), rows.end(), 0);
    const auto at_horizon = [&](std::int64_t n) {
      return score_gradient_moments(m, policy, logit_axes(rows), {.horizon = n});
    };
    const GradientMoments limit = at_horizon(500);  // 0.9^500 = 1e-23
    for (const std::int64_t n : {1, 2, 5, 20}) {
      const GradientMoments truncated = at_horizon(n);
      CHECK(std::abs(truncated.return_mean - limit.return_mean) <= return_truncation_bound(m, n) + 1e-14);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        CHECK(std::abs(truncated.mean[i] - limit.mean[i]) <= gradient_truncation_bound(m, n) + 1e-14);
      }
    }
  }
}

TEST_CASE("E5: the bound on the return is attained by a constant cost") {
  mdp::MdpBuilder builder(1);
  builder.discount(0.5).row(0, -3.0).to(0, 1.0);
  const mdp::Mdp m = builder.build();
  CHECK(return_truncation_bound(m, 4) >= 6.0 / 16);
  CHECK(return_truncation_bound(m, 4) <= 6.0 / 16 * (1 + 1e-10));
  CHECK(gradient_truncation_bound(m, 4) == 0.0);
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
  const mdp::Mdp m = builder.build();
  const std::vector<mdp::Offset> row = {1};
  const auto policy = mdp::uniform_policy(m);
  const auto mean = [&](std::int64_t n) {
    return score_gradient_moments(m, policy, logit_axes(row), {.horizon = n}).mean[0];
  };
  const double left_out = mean(50) - mean(1);
  CHECK(left_out == Approx(gamma / (4.0 * (1.0 - gamma))));
  CHECK(gradient_truncation_bound(m, 1) >= left_out);
  CHECK(gradient_truncation_bound(m, 1) <= 2.01 * left_out);
}

TEST_CASE("E5: without discounting there is no bound") {
  const mdp::Mdp m = mdp::tests::random_mdp(1, 3, 1.0);
  CHECK(return_truncation_bound(m, 100) == mdp::infinity);
  CHECK(gradient_truncation_bound(m, 100) == mdp::infinity);
}

}  // namespace
