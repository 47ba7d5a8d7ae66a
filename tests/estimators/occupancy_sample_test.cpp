#include "estimators/occupancy_sample.hpp"

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"
#include "solvers/in_real_gradient.hpp"
#include "tests/support/random_mdp.hpp"
#include "tests/support/statistics.hpp"

namespace {

using namespace mdp::estimators;

TEST_CASE("The discounted occupancy is sampled: chi-square against one transposed solve") {
  const mdp::Mdp m = mdp::tests::random_mdp(6, 6, 0.8);
  const auto policy = mdp::tests::random_policy(6, m);
  const std::int64_t n = 100000;
  const auto rows = sample_occupancy(m, policy, n, 3, 1);
  CHECK(rows == sample_occupancy(m, policy, n, 3, 4));
  std::vector<double> count(policy.size());
  for (const mdp::Offset row : rows) count[row] += 1.0;
  const auto occupancy = mdp::solvers::policy_gradient(m, policy).occupancy;  // sums to 1 / (1 - gamma)
  double chi_square = 0.0;
  for (std::size_t row = 0; row < count.size(); ++row) {
    const double expected =
        static_cast<double>(n) * (1.0 - 0.8) * occupancy[m.state_of(static_cast<mdp::Offset>(row))] * policy[row];
    chi_square += (count[row] - expected) * (count[row] - expected) / expected;
  }
  CHECK(chi_square < mdp::tests::chi_square_threshold(count.size() - 1));
}

TEST_CASE("The discounted occupancy exists below discount 1 only") {
  const mdp::Mdp m = mdp::tests::random_mdp(6, 3, 1.0);
  CHECK_THROWS_AS(sample_occupancy(m, mdp::uniform_policy(m), 10), mdp::InvalidArgument);
  CHECK_THROWS_AS(sample_occupancy(m.with_discount(0.5), mdp::uniform_policy(m), 0), mdp::InvalidOption);
}

}  // namespace
