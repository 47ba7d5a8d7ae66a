#include "libmdp/generate/random_rows.hpp"

#include <map>
#include <numeric>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/statistics.hpp"

namespace {

using mdp::RandomSequence;
using mdp::RandomStream;
using mdp::State;

TEST_CASE("every set of distinct successors is equally likely") {
  for (const std::size_t k : {2U, 4U}) {  // by rejection, by selection; 15 sets each
    std::map<std::vector<State>, double> counts;
    const int draws = 30000;
    for (int i = 0; i < draws; ++i) {
      RandomSequence random(5, RandomStream::test, static_cast<std::uint64_t>(i));
      std::vector<State> next(k);
      mdp::generate::draw_successors(random, 6, next);
      counts[next] += 1.0;
    }
    REQUIRE(counts.size() == 15);
    double chi_square = 0.0;
    for (const auto& [next, count] : counts) {
      CHECK(std::is_sorted(next.begin(), next.end()));
      chi_square += (count - draws / 15.0) * (count - draws / 15.0) / (draws / 15.0);
    }
    CHECK(chi_square < mdp::tests::chi_square_threshold(14));
  }
}

TEST_CASE("probabilities are positive multiples of the grid and sum to 1 exactly") {
  for (const int bits : {4, 20, 53}) {
    for (const std::size_t k : {1U, 2U, 8U}) {
      std::vector<double> p(k);
      for (std::uint64_t i = 0; i < 200; ++i) {
        RandomSequence random(6, RandomStream::test, i);
        mdp::generate::draw_probabilities(random, bits, p);
        std::uint64_t sum = 0;
        for (const double x : p) {
          const double scaled = x * static_cast<double>(std::uint64_t{1} << bits);
          CHECK(scaled == std::floor(scaled));
          CHECK(scaled >= 1.0);
          sum += static_cast<std::uint64_t>(scaled);
        }
        CHECK(sum == std::uint64_t{1} << bits);
      }
    }
  }
}

TEST_CASE("uniform spacings have mean 1/k and second moment 2/(k(k+1))") {
  const std::size_t k = 4;
  const int draws = 20000;
  std::vector<double> p(k);
  std::vector<double> mean(k), square(k);
  for (int i = 0; i < draws; ++i) {
    RandomSequence random(8, RandomStream::test, static_cast<std::uint64_t>(i));
    mdp::generate::draw_probabilities(random, 53, p);
    for (std::size_t j = 0; j < k; ++j) {
      mean[j] += p[j] / draws;
      square[j] += p[j] * p[j] / draws;
    }
  }
  // Beta(1, 3): moments 1/4, 1/10, 1/20, 1/35; standard errors from them.
  const double error = mdp::tests::normal_threshold / std::sqrt(static_cast<double>(draws));
  for (std::size_t j = 0; j < k; ++j) {
    CHECK(std::abs(mean[j] - 1.0 / 4) < error * std::sqrt(1.0 / 10 - 1.0 / 16));
    CHECK(std::abs(square[j] - 1.0 / 10) < error * std::sqrt(1.0 / 35 - 1.0 / 100));
  }
}

}  // namespace
