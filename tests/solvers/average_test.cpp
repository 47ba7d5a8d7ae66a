// The average criterion (theory.md, section 0): enclosures of the bias, components of many states (C5), costs of all sizes, the optimal bias (T3).
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <gmpxx.h>

#include "libmdp/builder.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "libmdp/io/exact_model.hpp"
#include "solvers/criterion.hpp"
#include "solvers/exact/exact.hpp"
#include "solvers/exact/refine.hpp"
#include "tests/oracles/policy_enumeration.hpp"

using namespace mdp;
using namespace mdp::oracles;
using namespace mdp::solvers;

namespace {

// Arrivals with probability 1/4, services with 1/2, one unit of cost per customer: the law is 2^-(s+1), g = 1, and h(s) - h(s-1) = 4 s
// far from the end, so that h(0) = -2 (E s^2 + E s) = -8. A second action pays for no service at all.
Mdp long_queue(State n) {
  MdpBuilder b(n);
  for (State s = 0; s < n; ++s) {
    const State up = std::min(s + 1, n - 1), down = std::max(s - 1, State{0});
    b.row(s, s, "serve").to(down, 0.5).to(s, 0.25).to(up, 0.25);
    b.row(s, s + 0.5, "rest").to(s, 0.75).to(up, 0.25);
  }
  return b.build();
}

// Random successors, from which any state is soon reached.
Mdp random_mdp(State n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  MdpBuilder b(n);
  for (State s = 0; s < n; ++s) {
    for (int a = 0; a < 3; ++a) {
      b.row(s, static_cast<double>(random() % 1000) / 1000.0);
      const double p = static_cast<double>(1 + random() % 7) / 8.0;
      b.to(static_cast<State>(random() % static_cast<std::uint64_t>(n)), p);
      b.to((s + 1) % n, 1.0 - p);
    }
  }
  return b.build();
}

CriterionResult average(const Mdp& mdp, const SolveOptions& solve = {}) {
  CriterionOptions options;
  options.solve = solve;
  return solve_criterion(mdp, Criterion::average, options);
}

// Thirds are thirds: ties in gain and bias stay ties.
std::shared_ptr<const io::ExactModel> exact(const TinyModel& model) {
  auto result = std::make_shared<io::ExactModel>();
  result->objective = model.objective;
  result->n_states = static_cast<std::int64_t>(model.n());
  result->state_rows = {0};
  for (const auto& rows : model.rows) {
    for (const auto& row : rows) {
      auto& own = result->rows.emplace_back();
      own.cost = row.cost;
      for (std::size_t next = 0; next < row.p.size(); ++next) {
        if (row.p[next] != 0) own.to.emplace_back(static_cast<std::int64_t>(next), row.p[next]);
      }
    }
    result->state_rows.push_back(static_cast<std::int64_t>(result->rows.size()));
  }
  return result;
}

void require_same(const CriterionResult& x, const CriterionResult& y) {
  REQUIRE(x.gain_lower == y.gain_lower);
  REQUIRE(x.gain_upper == y.gain_upper);
  REQUIRE(x.policy == y.policy);
  REQUIRE(x.bias == y.bias);
  REQUIRE(x.bias_lower == y.bias_lower);
}

}  // namespace

TEST_CASE("average: the bias of the policy is enclosed, in rationals", "[criteria]") {
  for (std::uint64_t seed = 1000; seed < 1400; ++seed) {
    const auto model = random_model(seed, {.inadmissible = seed % 5 == 0, .with_goal = seed % 3 == 0});
    INFO("seed " << seed);
    const auto r = average(model.build());
    const Chain own = chain_of(model, {r.policy.begin(), r.policy.end()});
    for (std::size_t s = 0; s < r.bias.size(); ++s) {
      INFO("state " << s);
      CHECK(std::isnan(r.bias[s]) == std::isinf(r.gain[s]));
      if (std::isnan(r.bias[s])) continue;
      CHECK(mpq_class(r.bias_lower[s]) <= own.bias[s]);
      CHECK(own.bias[s] <= mpq_class(r.bias_upper[s]));
      CHECK(r.bias_lower[s] <= r.bias[s]);
      CHECK(r.bias[s] <= r.bias_upper[s]);
      CHECK(r.bias_upper[s] - r.bias_lower[s] <= 1e-14 * (1.0 + std::abs(r.bias[s])));
    }
  }
}

TEST_CASE("average: a long queue, whose gain and bias are known", "[criteria]") {
  const auto r = average(long_queue(4000));
  REQUIRE(r.converged());
  CHECK(r.gain_lower[0] <= 1.0);
  CHECK(r.gain_upper[0] >= 1.0);
  CHECK(r.bias_lower[0] <= -8.0);
  CHECK(r.bias_upper[0] >= -8.0);
  CHECK(r.bias_upper[0] - r.bias_lower[0] < 1e-4);
  for (const std::size_t s : {1U, 7U, 100U}) {
    const auto h = static_cast<double>(2 * s * (s + 1)) - 8.0;
    CHECK(r.bias_lower[s] <= h);
    CHECK(r.bias_upper[s] >= h);
  }
}

TEST_CASE("average: many states, by corrections with a discount", "[criteria]") {
  const Mdp mdp = random_mdp(2500, 7);
  SolveOptions solve;
  solve.threads = 1;
  const auto one = average(mdp, solve);
  REQUIRE(one.converged());
  for (const int threads : {2, 4}) {
    solve.threads = threads;
    require_same(one, average(mdp, solve));
  }
  solve.method = Method::modified_policy_iteration;
  const auto swept = average(mdp, solve);
  REQUIRE(swept.converged());
  CHECK(one.gain_lower[0] <= swept.gain_upper[0]);
  CHECK(swept.gain_lower[0] <= one.gain_upper[0]);
  // The bias satisfies its equation: h + g = c + P h, within the bounds.
  const auto own = evaluate_criterion(mdp, one.policy, Criterion::average);
  for (std::size_t s = 0; s < own.bias.size(); ++s) {
    CHECK(own.bias_lower[s] <= one.bias_upper[s]);
    CHECK(one.bias_lower[s] <= own.bias_upper[s]);
  }
  CHECK(own.bias_upper[0] - own.bias_lower[0] < 1e-6);
}

TEST_CASE("average: periods do not matter, nor where a run is stopped", "[criteria]") {
  const State n = 2400;
  MdpBuilder b(n);
  for (State s = 0; s < n; ++s) {
    b.row(s, s % 7).to((s + 1) % n, 1.0);
    b.row(s, 10.0).to((s + 2) % n, 1.0);
  }
  double sum = 0.0;
  for (State s = 0; s < n; ++s) sum += s % 7;
  const Mdp mdp = b.build();
  const auto all = average(mdp);
  REQUIRE(all.converged());
  const mpq_class gain(sum / n);
  for (const std::int64_t sweeps : {1, 2, 3, 5, 8, 20, 60}) {
    SolveOptions solve;
    solve.max_sweeps = sweeps;
    const auto r = average(mdp, solve);
    INFO(sweeps << " sweeps: " << r.gain_lower[0] << " " << r.gain_upper[0]);
    CHECK(r.gain_lower[0] <= all.gain_upper[0]);
    CHECK(all.gain_lower[0] <= r.gain_upper[0]);
  }
  CHECK(std::abs(all.gain[0] - sum / n) <= 1e-9);
  CHECK(mpq_class(all.gain_lower[0]) <= gain + mpq_class(1e-15));
}

TEST_CASE("average: components with costs of any size, each to its own", "[criteria]") {
  MdpBuilder b(7);
  b.row(0, 1e90).to(0, 1.0);
  b.row(1, 1e-300).to(2, 1.0);
  b.row(2, 3e-300).to(1, 0.25).to(2, 0.75);
  b.row(3, 5.0).to(0, 0.5).to(1, 0.5);
  b.row(3, 7e-5).to(3, 1.0);
  b.row(4, 1e80).to(5, 1.0);  // beside a row that is never taken
  b.row(5, 1e-290).to(4, 1.0);
  b.row(5, 1.0).to(5, 1.0);
  b.row(6, 0.0).to(1, 0.5).to(5, 0.5);
  const auto r = average(b.build());
  INFO(r.message);
  REQUIRE(r.converged());
  CHECK(r.gain[0] == Approx(1e90).epsilon(1e-14));
  CHECK(r.gain[1] == Approx(2.6e-300).epsilon(1e-12));  // law (1, 4)/5
  CHECK(r.gain_upper[1] - r.gain_lower[1] <= 1e-14 * r.gain[1]);
  CHECK(r.gain[3] == Approx(7e-5).epsilon(1e-14));
  CHECK(std::abs(r.gain[5] - 1.0) <= 1e-14);
  CHECK(std::abs(r.gain[4] - 1.0) <= 1e-14);
  CHECK(std::abs(r.gain[6] - 0.5) <= 1e-14);
}

TEST_CASE("average: what a mean of costs of both signs loses is part of the bounds", "[criteria]") {
  MdpBuilder b(2);
  b.row(0, 1e30).to(1, 1.0);
  b.row(0, -1e30).to(1, 1.0);
  b.row(1, 3e-100).to(0, 1.0);
  const Mdp mdp = b.build();
  const std::vector<double> third{1.0 / 3.0, 1.0 - 1.0 / 3.0, 1.0};  // not the same in size
  const auto r = evaluate_criterion(mdp, third, Criterion::average);
  const mpq_class p(third[0]), q(third[1]);
  const mpq_class gain = (mpq_class(1e30) * (p - q) / (p + q) + mpq_class(3e-100)) / 2;
  CHECK(mpq_class(r.gain_lower[0]) <= gain);
  CHECK(gain <= mpq_class(r.gain_upper[0]));
  const std::vector<double> half{0.5, 0.5, 1.0};
  const auto even = evaluate_criterion(mdp, half, Criterion::average);
  CHECK(mpq_class(even.gain_lower[0]) <= mpq_class(3e-100) / 2);
  CHECK(mpq_class(3e-100) / 2 <= mpq_class(even.gain_upper[0]));
}

TEST_CASE("average: the bias of a large policy with two classes and transient states, planted", "[criteria]") {
  // Classes on circles, which states leave by offsets: uniform laws, and factors that fill in. From transient states of two circles the classes
  // are met with probabilities 3/4 and 1/4, or the other way round. Costs g + h - P h in dyadic numbers: nothing is rounded.
  constexpr State n_class = 2200, n_way = 700;
  const std::vector<State> offsets{1, 17, 401, 666};
  const double gains[] = {2.0, -1.0};
  std::vector<double> g, h;
  std::mt19937_64 random(20261126);
  for (const State n : {n_class, n_class, n_way, n_way}) {
    const bool recurrent = n == n_class;
    const double gain = recurrent ? gains[g.empty() ? 0 : 1] : g.size() == 2 * n_class ? 1.25 : -0.25;
    const auto first = h.size();
    for (State s = 0; s < n; s += 2) {  // pairs of opposite biases: their mean is 0
      const double bias = static_cast<double>(random() % 1024) / 64.0;
      for (const double x : {bias, -bias}) {
        g.push_back(gain);
        h.push_back(recurrent ? x : x + 8.0);
      }
    }
    std::shuffle(h.begin() + static_cast<std::ptrdiff_t>(first), h.end(), random);
  }
  MdpBuilder b(static_cast<State>(h.size()));
  for (State s = 0, circle = 0, first = 0; s < static_cast<State>(h.size()); ++s) {
    const State n = circle < 2 ? n_class : n_way;
    std::vector<std::pair<State, double>> to;
    to.reserve(offsets.size() + 2);
    for (const State offset : offsets) to.emplace_back(first + (s - first + offset) % n, circle < 2 ? 0.25 : 0.125);
    for (const State c : {0, 1}) {
      if (circle >= 2) to.emplace_back(c * n_class + (s * 31) % n_class, c + 2 == circle ? 0.375 : 0.125);
    }
    double cost = g[static_cast<std::size_t>(s)] + h[static_cast<std::size_t>(s)];
    for (const auto& [next, p] : to) cost -= p * h[static_cast<std::size_t>(next)];
    b.row(s, cost);
    for (const auto& [next, p] : to) b.to(next, p);
    if (s + 1 == first + n) first += n, ++circle;
  }
  const CriterionResult r = average(b.build());
  REQUIRE(r.converged());
  double widest = 0.0;
  for (std::size_t s = 0; s < h.size(); ++s) {
    REQUIRE((r.gain_lower[s] <= g[s] && g[s] <= r.gain_upper[s]));
    REQUIRE((r.bias_lower[s] <= h[s] && h[s] <= r.bias_upper[s]));
    widest = std::max(widest, r.bias_upper[s] - r.bias_lower[s]);
  }
  CHECK(widest < 1e-6);
}

TEST_CASE("average: the optimal bias, all policies in rationals", "[criteria]") {
  int differ = 0;
  for (std::uint64_t seed = 2000; seed < 2150; ++seed) {
    const auto model = random_model(seed, {.max_states = 4, .with_goal = false});
    INFO("seed " << seed);
    const auto gain = gains(model);
    std::vector<std::optional<mpq_class>> least(model.n());
    for_every_policy(model, [&](const std::vector<int>& policy) {
      const Chain own = chain_of(model, policy);
      for (std::size_t s = 0; s < gain.size(); ++s) {
        if (gain[s].infinite == 0 && own.gain[s] != gain[s].value) return;
      }
      for (std::size_t s = 0; s < gain.size(); ++s) {
        if (!least[s] || own.bias[s] < *least[s]) least[s] = own.bias[s];
      }
    });
    const auto r = solve_exactly(ExactMdp(exact(model)), Criterion::average);
    REQUIRE(r.optimal_bias_exact.size() == gain.size());
    for (std::size_t s = 0; s < gain.size(); ++s) {
      INFO("state " << s);
      if (gain[s].infinite != 0) continue;
      mpq_class found(r.optimal_bias_exact[s]);
      if (model.objective == Objective::maximize) found = -found;
      CHECK(found == *least[s]);
      differ += r.optimal_bias_exact[s] != r.bias_exact[s] ? 1 : 0;
    }
  }
  CHECK(differ > 0);  // the policy is not bias-optimal everywhere
}

TEST_CASE("average: N digits where rationals are too large", "[criteria]") {
  const Mdp mdp = random_mdp(40, 3);
  const auto exact = solve_exactly(ExactMdp(mdp), Criterion::average);
  REQUIRE(exact.converged());
  ExactLevelOptions options;
  options.max_operations = 1.0;  // no system is small enough
  const auto refined = refine_undiscounted(ExactMdp(mdp), Criterion::average, 60, options);
  INFO(refined.message);
  REQUIRE(refined.status == Status::converged);
  for (std::size_t s = 0; s < exact.gain_exact.size(); ++s) {
    const std::string near = decimal_text(exact.gain_exact[s], 55);
    CHECK(refined.value[s].substr(0, 50) == near.substr(0, 50));
  }
}

// Way from the start to the goal, and from there back: a cycle of as many units of cost as steps, and the step back for nothing.
Mdp back_from_the_goal(const Mdp& mdp) {
  MdpBuilder b(mdp.n_states());
  for (State s = 0; s < mdp.n_states(); ++s) {
    const bool is_goal = s == mdp.goal()[0];
    for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
      b.row(s, mdp.cost()[at(row)]);
      if (is_goal) b.to(0, 1.0);
      for (Offset k = mdp.row_begin()[at(row)]; k < mdp.row_begin()[at(row) + 1] && !is_goal; ++k)
        b.to(mdp.next_state()[at(k)], mdp.probability()[at(k)]);
    }
  }
  return b.build();
}

TEST_CASE("average: policies that go nowhere are left soon, however long the way is", "[criteria]") {
  generate::GridworldOptions corridor;
  corridor.width = 1000;
  corridor.height = 10;
  corridor.discount = 1.0;
  const Mdp grid = generate::gridworld(corridor);
  const auto way = solve_criterion(grid, Criterion::goal, {});
  REQUIRE(way.converged());
  CHECK(way.method.find("elimination") == std::string::npos);  // iterations come first
  const double steps = way.values[0];
  SolveOptions options;
  options.max_sweeps = 600;  // horizons of 10^9 steps from the start take thousands
  const auto cycle = average(back_from_the_goal(grid), options);
  INFO(cycle.message << ", " << cycle.sweeps << " sweeps");
  REQUIRE(cycle.converged());
  const double gain = steps / (steps + 1.0);  // increasing in the steps
  CHECK(cycle.gain_lower[0] <= gain + 1e-12);
  CHECK(cycle.gain_upper[0] >= gain - 1e-12);
}
