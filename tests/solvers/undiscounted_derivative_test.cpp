#include "solvers/undiscounted_derivative.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "tests/oracles/raw_mdp.hpp"

namespace {

using namespace mdp;
using namespace mdp::solvers;
using Rational = mpq_class;
using oracles::RawMdp;

EntryDirection random_direction(const Mdp& mdp, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  EntryDirection d = zero_direction(mdp);
  for (double& x : d.cost) x = normal(random);
  for (double& x : d.probability) x = normal(random);
  return d;
}

RawMdp<Rational> moved(const Mdp& mdp, const EntryDirection& d, const Rational& by) {
  auto r = oracles::raw<Rational>(mdp);
  for (std::size_t row = 0; row < d.cost.size(); ++row) r.cost[row] += by * Rational(d.cost[row]);
  for (std::size_t k = 0; k < d.probability.size(); ++k) r.probability[k] += by * Rational(d.probability[k]);
  return r;
}

// Total cost of a policy until state `goal`, by elimination.
std::vector<Rational> total(const RawMdp<Rational>& r, std::span<const Offset> row, State goal) {
  const auto n = static_cast<std::size_t>(r.n_states());
  std::vector<std::vector<Rational>> a(n, std::vector<Rational>(n, Rational(0)));
  std::vector<Rational> b(n, Rational(0));
  for (std::size_t s = 0; s < n; ++s) {
    a[s][s] = 1;
    if (static_cast<State>(s) == goal) continue;
    b[s] = r.cost[row[s]];
    for (Offset k = r.row_begin[row[s]]; k < r.row_begin[row[s] + 1]; ++k) {
      if (r.next_state[k] != goal) a[s][r.next_state[k]] -= r.probability[k];
    }
  }
  return oracles::solve_dense(std::move(a), std::move(b));
}

// Gain and bias (mu^T h = 0) of a policy: (g, h_0, ..., h_{n-1}).
std::vector<Rational> gain_and_bias(RawMdp<Rational> r, std::span<const Offset> row) {
  oracles::normalise(r);
  const auto n = static_cast<std::size_t>(r.n_states());
  std::vector<std::vector<Rational>> p(n, std::vector<Rational>(n, Rational(0)));
  for (std::size_t s = 0; s < n; ++s) {
    for (Offset k = r.row_begin[row[s]]; k < r.row_begin[row[s] + 1]; ++k) p[s][r.next_state[k]] += r.probability[k];
  }
  std::vector<std::vector<Rational>> balance(n, std::vector<Rational>(n, Rational(0)));
  std::vector<Rational> one(n, Rational(0));
  for (std::size_t i = 0; i + 1 < n; ++i) {
    for (std::size_t s = 0; s < n; ++s) balance[i][s] = (s == i ? 1 : 0) - p[s][i];
  }
  for (std::size_t s = 0; s < n; ++s) balance[n - 1][s] = 1;
  one[n - 1] = 1;
  const std::vector<Rational> mu = oracles::solve_dense(balance, one);
  Rational g = 0;
  for (std::size_t s = 0; s < n; ++s) g += mu[s] * r.cost[row[s]];
  std::vector<std::vector<Rational>> a(n, std::vector<Rational>(n, Rational(0)));
  std::vector<Rational> b(n);
  for (std::size_t s = 0; s < n; ++s) {
    for (std::size_t t = 0; t < n; ++t) a[s][t] = Rational((s == t ? 1 : 0) - p[s][t] + mu[t]);
    b[s] = r.cost[row[s]] - g;
  }
  std::vector<Rational> all = oracles::solve_dense(a, b);
  all.insert(all.begin(), g);
  return all;
}

std::vector<Offset> selected(const Mdp& mdp, const Policy& policy) {
  std::vector<Offset> rows;
  for (State s = 0; s < mdp.n_states(); ++s) rows.push_back(selected_row(mdp, policy, s));
  return rows;
}

Mdp with_goal() {
  MdpBuilder b(4);
  b.discount(1.0);
  b.row(0, 1.0).to(1, 0.5).to(0, 0.25).to(3, 0.25);
  b.row(0, 9.0).to(3, 1.0);
  b.row(1, 2.0).to(2, 0.75).to(0, 0.25);
  b.row(2, 0.5).to(3, 0.5).to(1, 0.5);
  b.row(2, 8.0).to(2, 1.0);
  b.goal(3);
  return b.build();
}

// Costs in [1, 2), the last state is the goal, which every row reaches with a chance.
// with_trap: a chance to end in state 5 besides.
Mdp random_goal_mdp(std::uint64_t seed, bool with_trap = false) {
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<int> whole(1, 8);
  MdpBuilder b(with_trap ? 6 : 5);
  b.discount(1.0);
  for (State s = 0; s < 4; ++s) {
    for (int a = 0; a < 2; ++a) {
      const std::vector<int> weight{whole(random), whole(random), whole(random), whole(random)};
      const double sum = weight[0] + weight[1] + weight[2] + (with_trap ? weight[3] : 0);
      b.row(s, 1.0 + whole(random) / 8.0);
      b.to(4, weight[0] / sum).to((s + 1 + a) % 4, weight[1] / sum).to(s, weight[2] / sum);
      if (with_trap) b.to(5, weight[3] / sum);
    }
  }
  if (with_trap) b.row(5, 0.0).to(5, 1.0);
  b.goal(4);
  b.initial(0, 1.0);
  return b.build();
}

// n x n, slipping to the sides, to the last corner at cost 1 a step.
Mdp open_grid(std::int64_t n) { return generate::gridworld({.width = n, .height = n, .discount = 1.0}); }

// f(rows) for every deterministic policy.
template <class F>
void for_policies(const Mdp& mdp, F&& f) {
  Policy policy(mdp.n_states(), 0);
  for (;;) {
    f(std::span<const Offset>(selected(mdp, policy)));
    State s = 0;
    while (s < mdp.n_states() && ++policy[s] == mdp.n_actions(s)) policy[s++] = 0;
    if (s == mdp.n_states()) return;
  }
}

}  // namespace

TEST_CASE("D1 at discount 1: total costs of proper policies, against differences in rationals") {
  std::mt19937_64 random(6);
  const Mdp mdp = with_goal();
  const Policy policy{0, 0, 0, 0};
  const std::vector<Offset> rows = selected(mdp, policy);
  const Linearisation at = linearise_until_goal(mdp, Criterion::goal, policy);
  REQUIRE(at.status() == Status::converged);
  const Rational h(0x1p-60);
  for (int trial = 0; trial < 10; ++trial) {
    const EntryDirection d = random_direction(mdp, random);
    const auto up = total(moved(mdp, d, h), rows, 3), down = total(moved(mdp, d, -h), rows, 3);
    const ForwardDerivative dv = at.jvp(d);
    CHECK(dv.level == Level::certified);
    CHECK(dv.value_error_bound < 1e-11);
    const std::vector<double> g{0.3, -1.0, 2.0, 5.0};
    double by_forward = 0.0;
    for (State s = 0; s < 4; ++s) {
      CHECK(std::abs(dv.values[s] - Rational((up[s] - down[s]) / (2 * h)).get_d()) <= dv.value_error_bound);
      by_forward += g[s] * dv.values[s];
    }
    const ReverseDerivative reverse = at.vjp({.values = g});
    CHECK(reverse.level == Level::certified);
    CHECK(dot(reverse.gradient, {d.cost, d.probability, 0.0}) == Approx(by_forward).epsilon(1e-12));
  }
}

TEST_CASE("D1 at discount 1: what misses the goal has no derivative, ties neither") {
  const Mdp mdp = with_goal();
  const Linearisation improper = linearise_until_goal(mdp, Criterion::goal, Policy{0, 0, 1, 0});
  CHECK(std::isnan(improper.jvp(zero_direction(mdp)).values[2]));
  CHECK(improper.performance_gradient().status == Status::refused);
  CHECK_THROWS_AS(linearise_until_goal(mdp, Criterion::goal, Policy{0, 0, 0}), InvalidArgument);

  const CriterionResult solved = solve_criterion(mdp, Criterion::goal);
  const OptimumGradient optimum = until_goal_gradient(mdp, solved);
  CHECK(optimum.reverse.status == Status::converged);
  CHECK(optimum.ties.empty());
  CHECK_THROWS_AS(until_goal_gradient(mdp, solve_criterion(mdp, Criterion::average)), InvalidArgument);
}

namespace {

// From 0 to the goal 2 at cost 1; state 1 is within reach at cost 50 and waits at `waiting`, or goes to the goal at cost 7.
Mdp with_waiting(double waiting) {
  MdpBuilder b(3);
  b.discount(1.0);
  b.row(0, 1.0).to(2, 1.0);
  b.row(0, 50.0).to(1, 1.0);
  b.row(1, waiting).to(1, 1.0);
  b.row(1, 7.0).to(2, 1.0);
  b.goal(2);
  b.initial(0, 1.0);
  return b.build();
}

}  // namespace

TEST_CASE("D1 at discount 1: a cycle that costs nothing, within reach, leaves no derivative") {
  CHECK(until_goal_gradient(with_waiting(0.5), solve_criterion(with_waiting(0.5), Criterion::goal)).reverse.status ==
        Status::converged);
  const Mdp free = with_waiting(0.0);
  CriterionOptions excluded;
  excluded.improper = Improper::excluded;
  const OptimumGradient refused = until_goal_gradient(free, solve_criterion(free, Criterion::goal, excluded));
  CHECK(refused.reverse.status == Status::refused);  // at -e it costs -inf, though no optimal policy goes there
  REQUIRE(refused.ties.size() == 1);
  CHECK(refused.ties[0].state == 1);
  const OptimumGradient of_policy =
      until_goal_gradient(free, solve_criterion(free, Criterion::goal, excluded), {.at_ties = AtTies::use_policy});
  CHECK(of_policy.of_policy);
  CHECK(of_policy.reverse.gradient.cost == std::vector<double>{1.0, 0.0, 0.0, 0.0, 0.0});
}

TEST_CASE("D1 at discount 1: where rounding hides the way out, nothing is claimed") {
  MdpBuilder b(2);
  b.discount(1.0);
  b.row(0, 1.0).to(0, 1.0 - 0x1p-53).to(1, 0x1p-53);
  b.goal(1);
  const Mdp mdp = b.build();
  const CriterionResult solved = solve_criterion(mdp, Criterion::goal);
  REQUIRE(solved.status == Status::converged);
  CHECK(until_goal_gradient(mdp, solved).reverse.status == Status::precision_limit);
  CHECK(linearise_until_goal(mdp, Criterion::goal, Policy{0, 0}).status() == Status::precision_limit);
}

TEST_CASE("D1 at discount 1: gradients of V*, against differences of the best of all policies in rationals") {
  const Rational h(0x1p-60);
  int differentiable = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    const Mdp mdp = random_goal_mdp(seed);
    const CriterionResult solved = solve_criterion(mdp, Criterion::goal);
    REQUIRE(solved.status == Status::converged);
    const OptimumGradient optimum = until_goal_gradient(mdp, solved);
    if (optimum.reverse.status != Status::converged) continue;
    ++differentiable;
    std::mt19937_64 random(seed);
    const EntryDirection d = random_direction(mdp, random);
    const State goal = mdp.n_states() - 1;
    const auto best = [&](const Rational& by) {
      const auto here = moved(mdp, d, by);
      Rational least = -1;
      for_policies(mdp, [&](std::span<const Offset> rows) {
        const std::vector<Rational> v = total(here, rows, goal);
        if (least < 0 || v[0] < least) least = v[0];
      });
      return least;
    };
    const double exact = Rational((best(h) - best(-h)) / (2 * h)).get_d();
    CHECK(dot(optimum.reverse.gradient, {d.cost, d.probability, 0.0}) == Approx(exact).epsilon(1e-10).margin(1e-11));
  }
  CHECK(differentiable >= 35);
}

TEST_CASE("D1 for reach: gradients of the probability, against differences of the best of all policies in rationals") {
  const Rational h(0x1p-60);
  int differentiable = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    const Mdp mdp =
        random_goal_mdp(seed, true).with_objective(seed % 2 == 0 ? Objective::minimize : Objective::maximize);
    const double sign = seed % 2 == 0 ? 1.0 : -1.0;
    const CriterionResult solved = solve_criterion(mdp, Criterion::reach);
    REQUIRE(solved.status == Status::converged);
    const OptimumGradient optimum = until_goal_gradient(mdp, solved);
    if (optimum.reverse.status != Status::converged) continue;
    ++differentiable;
    CHECK(std::all_of(optimum.reverse.gradient.cost.begin(), optimum.reverse.gradient.cost.end(),
                      [](double x) { return x == 0.0; }));
    std::mt19937_64 random(seed);
    const EntryDirection d = random_direction(mdp, random);
    const State goal = 4, trap = 5;
    const auto best = [&](const Rational& by) {
      RawMdp<Rational> here = moved(mdp, d, by);
      // A step into the goal is paid with 1, one into the trap ends it.
      for (Offset row = 0; row < here.n_rows(); ++row) {
        here.cost[row] = 0;
        for (Offset k = here.row_begin[row]; k < here.row_begin[row + 1]; ++k) {
          if (here.next_state[k] == goal) here.cost[row] += sign * here.probability[k];
          if (here.next_state[k] == trap) here.next_state[k] = goal;
        }
      }
      Rational least = 2;
      for_policies(mdp, [&](std::span<const Offset> rows) { least = std::min(least, total(here, rows, goal)[0]); });
      return least;
    };
    const double exact = Rational((best(h) - best(-h)) / (2 * h)).get_d();
    CHECK(dot(optimum.reverse.gradient, {d.cost, d.probability, 0.0}) == Approx(exact).epsilon(1e-10).margin(1e-11));
  }
  CHECK(differentiable >= 35);
}

TEST_CASE("D1 at discount 1: a grid of 40000 states, adjoint to forward, within its bounds") {
  const Mdp mdp = open_grid(200);
  const CriterionResult solved = solve_criterion(mdp, Criterion::goal);
  const Linearisation at = linearise_until_goal(mdp, Criterion::goal, solved.policy);
  EntryDirection d = zero_direction(mdp);
  std::fill(d.cost.begin(), d.cost.end(), 1.0);
  const ForwardDerivative time = at.jvp(d);  // V itself: every cost is 1
  REQUIRE(time.level == Level::certified);
  double largest = 0.0;
  for (State s = 0; s < mdp.n_states(); ++s) largest = std::max(largest, std::abs(time.values[s] - solved.values[s]));
  CHECK(largest <= time.value_error_bound + solved.value_error_bound);
  const ReverseDerivative reverse = at.performance_gradient();
  REQUIRE(reverse.level == Level::certified);
  CHECK(dot(reverse.gradient, {d.cost, std::vector<double>(mdp.n_transitions(), 0.0), 0.0}) ==
        Approx(solved.values[0]).epsilon(1e-9));
}

TEST_CASE("D1 for the average: gain and bias, against differences in rationals") {
  std::mt19937_64 random(7);
  const Rational h(0x1p-60);
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    const Mdp mdp =
        generate::garnet({.shape = {.states = 5, .actions = 1, .successors = static_cast<std::int64_t>(seed % 3) + 1},
                          .discount = 1.0,
                          .seed = seed});
    const Policy policy(5, 0);
    const std::vector<Offset> rows = selected(mdp, policy);
    const GainLinearisation at(mdp, policy);
    if (at.status() == Status::refused) continue;
    if (std::any_of(at.bias().begin(), at.bias().end(), [](double x) { return std::isnan(x); })) continue;
    const auto here = gain_and_bias(oracles::raw<Rational>(mdp), rows);
    CHECK(std::abs(at.gain() - here[0].get_d()) <= at.gain_error_bound());
    CHECK(at.gain_error_bound() < 1e-12);
    for (State s = 0; s < 5; ++s) CHECK(std::abs(at.bias()[s] - here[s + 1].get_d()) <= at.bias_error_bound());
    for (int trial = 0; trial < 5; ++trial) {
      const EntryDirection d = random_direction(mdp, random);
      const auto up = gain_and_bias(moved(mdp, d, h), rows), down = gain_and_bias(moved(mdp, d, -h), rows);
      const auto exact = [&](std::size_t i) { return Rational((up[i] - down[i]) / (2 * h)).get_d(); };
      const GainLinearisation::Change change = at.jvp(d);
      CHECK(std::abs(change.gain - exact(0)) <= change.gain_error_bound);
      for (State s = 0; s < 5; ++s) CHECK(std::abs(change.bias[s] - exact(s + 1)) <= change.bias_error_bound);
      CHECK(change.bias_error_bound < 1e-7);
      CHECK(dot(at.gain_gradient().gradient, d) == Approx(change.gain).epsilon(1e-11).margin(1e-12));
    }
  }
}

TEST_CASE("D1 for the average: several recurrent classes and ties are refused") {
  MdpBuilder b(3);
  b.discount(1.0);
  b.row(0, 1.0).to(1, 0.5).to(2, 0.5);
  b.row(1, 1.0).to(1, 1.0);
  b.row(1, 1.0).to(0, 1.0);
  b.row(2, 3.0).to(2, 1.0);
  b.row(2, 3.0).to(0, 1.0);
  const Mdp mdp = b.build();
  const GainLinearisation two(mdp, Policy{0, 0, 0});
  CHECK(two.status() == Status::refused);
  CHECK(two.message().find("2 recurrent classes") != std::string::npos);
  CHECK_THROWS_WITH(two.gain_gradient(), Catch::Contains("no derivative"));
  const GainLinearisation one(mdp, Policy{0, 0, 1});
  CHECK(one.gain_gradient().gradient.cost == std::vector<double>{0.0, 1.0, 0.0, 0.0, 0.0});

  const OptimumGradient optimum = gain_optimum_gradient(mdp, solve_criterion(mdp, Criterion::average));
  CHECK(optimum.reverse.status == Status::converged);  // to 1, and there for ever
  CHECK(optimum.reverse.gradient.cost == std::vector<double>{0.0, 1.0, 0.0, 0.0, 0.0});

  MdpBuilder twins(2);  // two ways round, both of cost 1 a step
  twins.discount(1.0);
  twins.row(0, 1.0).to(0, 1.0);
  twins.row(0, 1.0).to(1, 1.0);
  twins.row(1, 1.0).to(0, 1.0);
  const Mdp tied = twins.build();
  const OptimumGradient refused = gain_optimum_gradient(tied, solve_criterion(tied, Criterion::average));
  CHECK(refused.reverse.status == Status::refused);
  REQUIRE(refused.ties.size() == 1);
  CHECK(refused.ties[0].actions == std::vector<Action>{0, 1});
  CHECK(gain_optimum_gradient(tied, solve_criterion(tied, Criterion::average), {.at_ties = AtTies::use_policy})
            .of_policy);
}

TEST_CASE("D1 for the average: gradients of the optimal gain, against differences of the best of all policies") {
  const Rational h(0x1p-60);
  int differentiable = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    const Mdp mdp =
        generate::garnet({.shape = {.states = 4, .actions = 2, .successors = 3}, .discount = 1.0, .seed = seed});
    const CriterionResult solved = solve_criterion(mdp, Criterion::average);
    const OptimumGradient optimum = gain_optimum_gradient(mdp, solved);
    if (optimum.reverse.status != Status::converged) continue;
    ++differentiable;
    CHECK(optimum.reverse.level == Level::certified);
    std::mt19937_64 random(seed);
    const EntryDirection d = random_direction(mdp, random);
    const auto best = [&](const Rational& by) {
      const auto here = moved(mdp, d, by);
      Rational least = 1000;
      for_policies(mdp, [&](std::span<const Offset> rows) { least = std::min(least, gain_and_bias(here, rows)[0]); });
      return least;
    };
    const double exact = Rational((best(h) - best(-h)) / (2 * h)).get_d();
    CHECK(dot(optimum.reverse.gradient, d) == Approx(exact).epsilon(1e-10).margin(1e-11));
  }
  CHECK(differentiable >= 30);
}
