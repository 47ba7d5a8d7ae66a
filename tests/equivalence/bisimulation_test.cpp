// The coarsest bisimulation, its quotient, lifts and metric.
#include "equivalence/bisimulation.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include <catch2/catch.hpp>

#include "equivalence/bisimulation_metric.hpp"
#include "equivalence/candidate.hpp"
#include "equivalence/transport.hpp"
#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/io/exact_model.hpp"
#include "solvers/solve.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;

namespace {

solvers::SolveOptions within(double tolerance) {
  solvers::SolveOptions options;
  options.tolerance = tolerance;
  return options;
}

// Every state of `base` becomes several copies among which the probability of arriving is dealt out at random, in 64ths.
Mdp blown_up(const Mdp& base, std::mt19937& random, std::vector<State>& origin) {
  origin.clear();
  std::vector<std::vector<State>> copies(static_cast<std::size_t>(base.n_states()));
  for (State s = 0; s < base.n_states(); ++s) {
    const int n = 1 + static_cast<int>(random() % 3);
    for (int i = 0; i < n; ++i) {
      copies[static_cast<std::size_t>(s)].push_back(static_cast<State>(origin.size()));
      origin.push_back(s);
    }
  }
  MdpBuilder b(static_cast<State>(origin.size()));
  for (State s = 0; s < static_cast<State>(origin.size()); ++s) {
    const Offset first = base.state_rows()[static_cast<std::size_t>(origin[static_cast<std::size_t>(s)])];
    for (Offset row = first; row < first + base.n_actions(origin[static_cast<std::size_t>(s)]); ++row) {
      const auto r = static_cast<std::size_t>(row);
      b.row(s, base.cost()[r]);
      for (Offset k = base.row_begin()[r]; k < base.row_begin()[r + 1]; ++k) {
        const auto& to = copies[static_cast<std::size_t>(base.next_state()[static_cast<std::size_t>(k)])];
        double left = base.probability()[static_cast<std::size_t>(k)];
        for (std::size_t i = 0; i + 1 < to.size(); ++i) {
          const double part = left * static_cast<double>(random() % 5) / 4.0;
          if (part > 0.0) b.to(to[i], part);
          left -= part;
        }
        if (left > 0.0) b.to(to.back(), left);
      }
    }
  }
  return b.discount(base.exact_discount()).build();
}

// Dyadic rows: sums are exact in doubles, so that copies are bisimilar to the bit.
Mdp dyadic_mdp(std::mt19937& random, int n_states) {
  MdpBuilder b(n_states);
  for (State s = 0; s < n_states; ++s) {
    const int n_actions = 1 + static_cast<int>(random() % 2);
    for (int a = 0; a < n_actions; ++a) {
      b.row(s, static_cast<double>(random() % 4));
      std::map<State, double> row;
      for (int i = 0; i < 4; ++i) row[static_cast<State>(random() % static_cast<unsigned>(n_states))] += 0.25;
      for (const auto& [next, p] : row) b.to(next, p);
    }
  }
  return b.discount(Discount(0.75)).build();
}

// The coarsest bisimulation the slow way: split by everything until nothing splits, in rationals.
std::vector<State> slow_partition(const Mdp& mdp) {
  const auto model = io::exact_model_of(mdp);
  const auto n = static_cast<std::size_t>(mdp.n_states());
  std::vector<State> block(n, 0);
  for (;;) {
    std::map<std::vector<std::string>, State> number;
    std::vector<State> next(n);
    for (std::size_t s = 0; s < n; ++s) {
      std::vector<std::string> key = {
          std::to_string(block[s]), std::ranges::binary_search(model.goal, static_cast<std::int64_t>(s)) ? "goal" : ""};
      for (auto row = model.state_rows[s]; row < model.state_rows[s + 1]; ++row) {
        const auto& entry = model.rows[static_cast<std::size_t>(row)];
        std::map<State, mpq_class> mass;
        for (const auto& [to, p] : entry.to) mass[block[static_cast<std::size_t>(to)]] += p;
        std::string text = entry.inadmissible ? "inf" : entry.cost.get_str();
        for (const auto& [b, p] : mass) text += " " + std::to_string(b) + ":" + p.get_str();
        key.push_back(text);
      }
      next[s] = number.emplace(key, static_cast<State>(number.size())).first->second;
    }
    if (next == block) return block;
    block = next;
  }
}

}  // namespace

TEST_CASE("the partition is the coarsest: that of splitting by everything, in rationals") {
  std::mt19937 random(41);
  for (int trial = 0; trial < 150; ++trial) {
    std::vector<State> origin;
    const Mdp mdp = blown_up(dyadic_mdp(random, 2 + static_cast<int>(random() % 7)), random, origin);
    const Bisimulation found = bisimulation(mdp);
    REQUIRE(found.block == slow_partition(mdp));
    for (std::size_t s = 0; s < origin.size(); ++s) {  // copies are together
      for (std::size_t t = 0; t < s; ++t) {
        if (origin[s] == origin[t]) REQUIRE(found.block[s] == found.block[t]);
      }
    }
  }
}

TEST_CASE("states that only their futures tell apart: deterministic, one cost, one state that costs another") {
  std::mt19937 random(43);
  for (int trial = 0; trial < 400; ++trial) {
    const int n = 3 + static_cast<int>(random() % 20);
    MdpBuilder b(n);
    for (State s = 0; s < n; ++s) {
      for (int a = 0; a < 1 + trial % 2; ++a) {
        b.row(s, s == 0 ? 2.0 : 1.0).to(static_cast<State>(random() % static_cast<unsigned>(n)), 1.0);
      }
    }
    const Mdp mdp = b.discount(Discount(0.5)).build();
    CAPTURE(trial, n);
    REQUIRE(bisimulation(mdp).block == slow_partition(mdp));
  }
}

TEST_CASE("the quotient has the values of the blocks; lifts have the world's Q* (T6)") {
  std::mt19937 random(43);
  for (int trial = 0; trial < 40; ++trial) {
    std::vector<State> origin;
    const Mdp mdp = blown_up(dyadic_mdp(random, 5), random, origin);
    const Bisimulation found = bisimulation(mdp);
    const auto solved = solvers::solve(mdp, within(1e-11));
    const Mdp small = quotient(mdp, found);
    REQUIRE(small.n_states() == found.n_blocks());
    const auto small_solved = solvers::solve(small, within(1e-11));
    for (std::size_t s = 0; s < origin.size(); ++s) {
      const auto block = static_cast<std::size_t>(found.block[s]);
      REQUIRE(std::abs(solved.values[s] - small_solved.values[block]) < 3e-11);
    }
    std::vector<double> weight(origin.size());
    for (double& w : weight) w = 0.1 + static_cast<double>(random() % 100);
    const Mdp other = lift(mdp, found, weight);
    REQUIRE(assess_candidate(mdp, solved, other).distance.norm.lower < 1e-10);
    REQUIRE(assess_candidate(mdp, solved, lift(mdp, found)).defect.epsilon < 1e-9);
  }
}

TEST_CASE("goals are apart from absorbing states that are none; numbers of actions, and infinite costs, too") {
  MdpBuilder b(4);
  b.row(0, 0.0).to(0, 1.0);
  b.row(1, 0.0).to(1, 1.0);
  b.row(1, 1.0).to(1, 1.0);
  b.row(2, infinity).to(2, 1.0);
  b.goal(3);
  const Mdp mdp = b.discount(Discount(0.5)).build();
  REQUIRE(bisimulation(mdp).n_blocks() == 4);
}

TEST_CASE("bisimulation is near-linear: a garnet and a cycle of a million transitions", "[long]") {
  const Mdp garnet = generate::garnet({.shape = {.states = 50000, .actions = 4, .successors = 5}, .seed = 3});
  REQUIRE(bisimulation(garnet).n_blocks() == garnet.n_states());
  const State n = 200000;  // splits one state at a time from the end: the worst case of a round per block
  MdpBuilder b(n);
  for (State s = 0; s + 1 < n; ++s) b.row(s, 1.0).to(s + 1, 1.0);
  b.row(n - 1, 0.0).to(n - 1, 1.0);
  REQUIRE(bisimulation(b.discount(Discount(0.5)).build()).n_blocks() == n);
}

TEST_CASE("misuse of quotient and lift") {
  std::mt19937 random(47);
  const Mdp mdp = dyadic_mdp(random, 4);
  Bisimulation found = bisimulation(mdp);
  REQUIRE_THROWS_WITH(lift(mdp, found, std::vector<double>{1.0}), Catch::Contains("1 weights, required 4"));
  REQUIRE_THROWS_WITH(lift(mdp, found, std::vector<double>{0.0, 0.0, 0.0, 0.0}), Catch::Contains("sum to 0"));
  REQUIRE_THROWS_WITH(lift(mdp, found, std::vector<double>{-1.0, 1.0, 1.0, 1.0}), Catch::Contains("state 0 is -1"));
  found.block.pop_back();
  REQUIRE_THROWS_AS(quotient(mdp, found), InvalidArgument);
}

TEST_CASE("transport: the cost on a line is the area between the distribution functions") {
  std::mt19937 random(53);
  for (int trial = 0; trial < 300; ++trial) {
    const std::size_t n = 1 + random() % 8, m = 1 + random() % 8;
    const auto law = [&](std::size_t k) {
      std::vector<double> p(k);
      double sum = 0.0;
      for (double& x : p) sum += x = 1.0 + static_cast<double>(random() % 9);
      for (double& x : p) x /= sum;
      return p;
    };
    const auto points = [&](std::size_t k) {
      std::vector<double> x(k);
      for (double& y : x) y = static_cast<double>(random() % 20);
      return x;
    };
    const auto p = law(n), q = law(m);
    const auto x = points(n), y = points(m);
    double area = 0.0;
    for (int at = 0; at < 20; ++at) {
      double f = 0.0, g = 0.0;
      for (std::size_t i = 0; i < n; ++i) f += x[i] <= at ? p[i] : 0.0;
      for (std::size_t j = 0; j < m; ++j) g += y[j] <= at ? q[j] : 0.0;
      area += std::abs(f - g);
    }
    REQUIRE(transport_cost(p, q, [&](std::size_t i, std::size_t j) { return std::abs(x[i] - y[j]); }) ==
            Approx(area).margin(1e-12));
  }
  const std::vector<double> one = {1.0};
  REQUIRE(transport_cost(one, one, [](std::size_t, std::size_t) { return infinity; }) == infinity);
}

TEST_CASE("the metric bounds differences of V*, and is 0 exactly between bisimilar states") {
  std::mt19937 random(59);
  for (int trial = 0; trial < 15; ++trial) {
    std::vector<State> origin;
    const Mdp mdp = blown_up(dyadic_mdp(random, 3), random, origin);
    const auto n = origin.size();
    const BisimulationMetric d = bisimulation_metric(mdp);
    REQUIRE(d.status == Status::converged);
    const Bisimulation found = bisimulation(mdp);
    const auto solved = solvers::solve(mdp, within(1e-11));
    for (std::size_t s = 0; s < n; ++s) {
      for (std::size_t t = 0; t < n; ++t) {
        const double distance = d.distance[s * n + t];
        REQUIRE(distance == d.distance[t * n + s]);
        REQUIRE((distance <= d.error_bound) == (found.block[s] == found.block[t]));
        REQUIRE(std::abs(solved.values[s] - solved.values[t]) <= distance + 2e-9);
        for (std::size_t u = 0; u < n; ++u) {
          REQUIRE(distance <= d.distance[s * n + u] + d.distance[u * n + t] + 1e-8);
        }
      }
    }
  }
}
