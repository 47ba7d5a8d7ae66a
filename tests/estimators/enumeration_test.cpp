#include "estimators/enumeration.hpp"

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/policy.hpp"
#include "tests/support/random_mdp.hpp"

namespace {

using namespace mdp::estimators;

TEST_CASE("X1 lists every trajectory once, with its probability") {
  // A coin that ends the game with heads; counting the throws.
  mdp::MdpBuilder builder(2);
  builder.discount(1.0).initial(0, 1.0);
  builder.row(0, 1.0).to(0, 0.5).to(1, 0.5);
  builder.row(1, 0.0).to(1, 1.0);
  const mdp::Mdp m = builder.build();
  const auto policy = mdp::uniform_policy(m);
  CHECK(count_paths(m, policy, 4) == 4.0);
  std::vector<double> probabilities;
  for_each_path(m, policy, 4, [&](const Path& path) {
    REQUIRE(path.state.size() == 4);
    for (std::size_t k = 0; k < 4; ++k) CHECK(path.row[k] == path.state[k]);
    probabilities.push_back(path.probability);
  });
  CHECK(probabilities == std::vector<double>{0.125, 0.125, 0.25, 0.5});

  const EnumeratedMoments throws = enumerate_moments(m, policy, 4, 1, [](const Path& path, std::span<double> x) {
    for (const mdp::State s : path.state) x[0] += s == 0 ? 1.0 : 0.0;
  });
  CHECK(throws.n_paths == 4);
  CHECK(throws.total_probability == 1.0);
  CHECK(throws.mean[0] == 0.5 + 0.5 + 0.375 + 0.5);  // 1, 2, 3, 4 throws
  CHECK(throws.covariance[0] == 0.5 + 1.0 + 1.125 + 2.0 - 1.875 * 1.875);
}

TEST_CASE("X1: what is counted is what is listed") {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const mdp::Mdp m = mdp::tests::random_mdp(seed, 3, 0.9);
    const auto policy = mdp::tests::random_policy(seed, m);
    double n = 0.0, sum = 0.0;
    for_each_path(m, policy, 3, [&](const Path& path) {
      n += 1.0;
      sum += path.probability;
    });
    CHECK(n == count_paths(m, policy, 3));
    CHECK(sum == Approx(1.0).margin(1e-13));
  }
}

TEST_CASE("X1 refuses to list more than it may") {
  const mdp::Mdp m = mdp::tests::random_mdp(4, 3, 0.9);
  const auto policy = mdp::uniform_policy(m);
  CHECK_THROWS_WITH(for_each_path(m, policy, 1000, [](const Path&) {}),
                    Catch::Matchers::Contains("more than max_paths"));
  CHECK_THROWS_AS(for_each_path(m, policy, 0, [](const Path&) {}), mdp::InvalidArgument);
}

}  // namespace
