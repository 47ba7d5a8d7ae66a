// T11: fits in restricted classes, posterior draws.
#include "equivalence/restricted_fit.hpp"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;

namespace {

// Four states with one action each and a fifth that is a goal.
Mdp line() {
  MdpBuilder b(5);
  for (State s = 0; s < 4; ++s) b.row(s, 1.0).to(s + 1, 1.0);
  b.goal(4);
  return b.discount(Discount(0.5)).build();
}

TransitionCounts counted(const Mdp& world, std::initializer_list<std::array<double, 4>> list) {
  TransitionData data;
  for (const auto& [s, a, next, n] : list) {
    data.add(static_cast<State>(s), static_cast<Action>(a), static_cast<State>(next));
    data.count.push_back(n);
  }
  return count_transitions(world, data);
}

double p(const Mdp& mdp, Offset row, State next) {
  for (Offset k = mdp.row_begin()[static_cast<std::size_t>(row)];
       k < mdp.row_begin()[static_cast<std::size_t>(row) + 1]; ++k) {
    if (mdp.next_state()[static_cast<std::size_t>(k)] == next) return mdp.probability()[static_cast<std::size_t>(k)];
  }
  return 0.0;
}

}  // namespace

TEST_CASE("counts add up, zeros vanish, and wrong ones name their pair") {
  const Mdp world = line();
  const auto counts = counted(world, {{0, 0, 1, 2.0}, {0, 0, 0, 1.0}, {0, 0, 1, 0.5}, {1, 0, 2, 0.0}});
  REQUIRE(counts.total(0) == 3.5);
  REQUIRE(std::vector<State>(counts.successors(0).begin(), counts.successors(0).end()) == std::vector<State>{0, 1});
  REQUIRE(counts.counts(0)[1] == 2.5);
  REQUIRE(counts.successors(1).empty());
  REQUIRE_THROWS_WITH(counted(world, {{2, 0, 1, -1.0}}), Catch::Contains("state 2, action 0: count -1"));
  REQUIRE_THROWS_WITH(counted(world, {{2, 1, 1, 1.0}}), Catch::Contains("has no action 1"));
  REQUIRE_THROWS_WITH(counted(world, {{2, 0, 7, 1.0}}), Catch::Contains("successor 7 does not exist"));
}

TEST_CASE("k points: the most frequent successors, ties to the lowest") {
  const Mdp world = line();
  const Mdp likely =
      fit_maximum_likelihood(world, counted(world, {{0, 0, 0, 2}, {0, 0, 1, 5}, {0, 0, 2, 2}, {0, 0, 3, 1}}));
  const Mdp two = k_point_model(likely, 2);
  REQUIRE(p(two, 0, 1) == Approx(5.0 / 7));
  REQUIRE(p(two, 0, 0) == Approx(2.0 / 7));
  REQUIRE(p(two, 0, 2) == 0.0);
  REQUIRE(k_point_model(likely, 9).n_transitions() == likely.n_transitions());
  REQUIRE_THROWS_WITH(k_point_model(likely, 0), Catch::Contains("k = 0, required >= 1"));
}

TEST_CASE("aggregated states: the likelihood factors, and no other factors are better") {
  const Mdp world = line();
  const auto counts =
      counted(world, {{0, 0, 1, 3}, {0, 0, 2, 1}, {1, 0, 0, 2}, {1, 0, 3, 2}, {2, 0, 3, 4}, {3, 0, 4, 1}});
  const std::vector<State> cluster = {0, 0, 1, 1, 2};
  const Mdp fit = fit_aggregated(world, counts, cluster);
  // From cluster 0: 5 of 8 arrive in cluster 0, 3 in cluster 1. Arrivals: state 0: 2, 1: 3, 2: 1, 3: 6.
  for (const Offset row : {0, 1}) {
    REQUIRE(p(fit, row, 0) == Approx(5.0 / 8 * 2.0 / 5));
    REQUIRE(p(fit, row, 1) == Approx(5.0 / 8 * 3.0 / 5));
    REQUIRE(p(fit, row, 3) == Approx(3.0 / 8 * 6.0 / 7));
  }
  const double best = log_likelihood(fit, counts);
  std::mt19937 random(7);
  for (int trial = 0; trial < 200; ++trial) {
    // Any other factors P(C'|C) and w(s'|C').
    const auto weight = [&] { return 0.05 + static_cast<double>(random() % 1000) / 1000.0; };
    double to[3][3], w[5];
    for (auto& row : to) {
      for (double& x : row) x = weight();
      const double sum = row[0] + row[1] + row[2];
      for (double& x : row) x /= sum;
    }
    for (double& x : w) x = weight();
    const double mass[3] = {w[0] + w[1], w[2] + w[3], w[4]};
    double other = 0.0;
    for (State s = 0; s < 4; ++s) {
      for (std::size_t i = 0; i < counts.successors(s).size(); ++i) {
        const State next = counts.successors(s)[i];
        const State c = cluster[static_cast<std::size_t>(next)];
        other += counts.counts(s)[i] * std::log(to[cluster[static_cast<std::size_t>(s)]][c] * w[next] / mass[c]);
      }
    }
    REQUIRE(other <= best + 1e-12);
  }
  REQUIRE_THROWS_WITH(fit_aggregated(world, counts, std::vector<State>{0, 0}), Catch::Contains("required 5"));
  REQUIRE_THROWS_WITH(fit_aggregated(world, counts, std::vector<State>{0, 0, -1, 0, 0}),
                      Catch::Contains("cluster[2] = -1"));
}

TEST_CASE("shared rows: pooled counts") {
  const Mdp world = line();
  const auto counts = counted(world, {{0, 0, 1, 3}, {2, 0, 3, 1}, {1, 0, 2, 1}});
  const Mdp fit = fit_shared_rows(world, counts, std::vector<Offset>{0, 1, 0, 1, 2});
  for (const Offset row : {0, 2}) {
    REQUIRE(p(fit, row, 1) == 0.75);
    REQUIRE(p(fit, row, 3) == 0.25);
  }
  REQUIRE(p(fit, 1, 2) == 1.0);
  REQUIRE(p(fit, 3, 2) == 1.0);
  REQUIRE(p(fit, 4, 4) == 1.0);  // the goal stays
}

TEST_CASE("log-likelihood: sums of n log p, -inf for what is forbidden") {
  const Mdp world = line();
  const auto counts = counted(world, {{0, 0, 1, 3}, {0, 0, 0, 1}});
  const Mdp fit = fit_maximum_likelihood(world, counts);
  REQUIRE(log_likelihood(fit, counts) == Approx(3 * std::log(0.75) + std::log(0.25)));
  REQUIRE(log_likelihood(world, counts) == -infinity);
}

TEST_CASE("posterior draws have the moments of the Dirichlet law") {
  const Mdp world = line();
  const auto counts = counted(world, {{0, 0, 0, 0.3}, {0, 0, 1, 1.7}, {0, 0, 2, 4.0}});
  const double a[3] = {0.3, 1.7, 4.0}, total = 6.0;
  const int n = 20000;
  double mean[3] = {}, square[3] = {};
  for (int seed = 0; seed < n; ++seed) {
    const Mdp draw = sample_posterior(world, counts, {}, static_cast<std::uint64_t>(seed));
    for (State s = 0; s < 3; ++s) {
      const double x = p(draw, 0, s);
      mean[s] += x / n;
      square[s] += x * x / n;
    }
  }
  for (State s = 0; s < 3; ++s) {
    const double m = a[s] / total;
    const double variance = m * (1.0 - m) / (total + 1.0);
    REQUIRE(std::abs(mean[s] - m) < 6.0 * std::sqrt(variance / n));
    REQUIRE(std::abs(square[s] - mean[s] * mean[s] - variance) < 0.06 * variance);
  }
  // The same draw for the same seed, another for another.
  const Mdp one = sample_posterior(world, counts, {}, 5);
  REQUIRE(p(one, 0, 1) == p(sample_posterior(world, counts, {}, 5), 0, 1));
  REQUIRE(p(one, 0, 1) != p(sample_posterior(world, counts, {}, 6), 0, 1));
}
