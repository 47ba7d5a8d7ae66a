#include "solvers/undiscounted_derivative.hpp"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
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

}  // namespace

TEST_CASE("D1 at discount 1: total costs of proper policies, against differences in rationals") {
  std::mt19937_64 random(6);
  const Mdp mdp = with_goal();
  const Policy policy{0, 0, 0, 0};
  const std::vector<Offset> rows = selected(mdp, policy);
  const GoalLinearisation at(mdp, policy);
  REQUIRE(at.status() == Status::converged);
  const Rational h(0x1p-60);
  for (int trial = 0; trial < 10; ++trial) {
    const EntryDirection d = random_direction(mdp, random);
    const auto up = total(moved(mdp, d, h), rows, 3), down = total(moved(mdp, d, -h), rows, 3);
    const std::vector<double> dv = at.jvp(d);
    const std::vector<double> g{0.3, -1.0, 2.0, 5.0};
    double by_forward = 0.0;
    for (State s = 0; s < 4; ++s) {
      CHECK(dv[s] == Approx(Rational((up[s] - down[s]) / (2 * h)).get_d()).epsilon(1e-12).margin(1e-13));
      by_forward += g[s] * dv[s];
    }
    CHECK(dot(at.vjp(g), d) == Approx(by_forward).epsilon(1e-12));
  }
}

TEST_CASE("D1 at discount 1: improper policies and ties are refused") {
  const Mdp mdp = with_goal();
  const GoalLinearisation improper(mdp, Policy{0, 0, 1, 0});
  CHECK(improper.status() == Status::refused);
  CHECK(improper.message().find("the policy is improper: from state") != std::string::npos);
  CHECK_THROWS_WITH(improper.jvp(zero_direction(mdp)), Catch::Contains("no derivative: the policy is improper"));
  CHECK(GoalLinearisation(mdp, Policy{1, 0, 0, 0}).status() == Status::refused);  // the other action is better
  CHECK(GoalLinearisation(mdp, Policy{1, 0, 0, 0}, {.optimal = false}).status() == Status::converged);
  CHECK_THROWS_AS(GoalLinearisation(mdp, Policy{0, 0, 0}), InvalidArgument);
  CHECK_THROWS_WITH(GoalLinearisation(mdp, Policy{0, 0, 0, 0}, {.max_states = 3}), Catch::Contains("max_states is 3"));
}

TEST_CASE("D1 for the average: gain and bias, against differences in rationals") {
  std::mt19937_64 random(7);
  const Mdp mdp = generate::garnet({.shape = {.states = 5, .actions = 1, .successors = 3}, .discount = 1.0, .seed = 2});
  const Policy policy(5, 0);
  const std::vector<Offset> rows = selected(mdp, policy);
  const GainLinearisation at(mdp, policy);
  REQUIRE(at.status() == Status::converged);
  const auto here = gain_and_bias(oracles::raw<Rational>(mdp), rows);
  CHECK(at.gain() == Approx(here[0].get_d()).epsilon(1e-13));
  const Rational h(0x1p-60);
  for (int trial = 0; trial < 10; ++trial) {
    const EntryDirection d = random_direction(mdp, random);
    const auto up = gain_and_bias(moved(mdp, d, h), rows), down = gain_and_bias(moved(mdp, d, -h), rows);
    const auto exact = [&](std::size_t i) { return Rational((up[i] - down[i]) / (2 * h)).get_d(); };
    const GainLinearisation::Change change = at.jvp(d);
    CHECK(change.gain == Approx(exact(0)).epsilon(1e-11).margin(1e-12));
    for (State s = 0; s < 5; ++s) CHECK(change.bias[s] == Approx(exact(s + 1)).epsilon(1e-11).margin(1e-12));
    CHECK(dot(at.gain_gradient(), d) == Approx(change.gain).epsilon(1e-11).margin(1e-12));
  }
}

TEST_CASE("D1 for the average: several recurrent classes and rivals are refused") {
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
  CHECK(GainLinearisation(mdp, Policy{0, 0, 1}, {.optimal = false}).status() == Status::converged);
  CHECK_THROWS_WITH(two.gain_gradient(), Catch::Contains("no derivative"));
  CHECK(GainLinearisation(mdp, Policy{0, 1, 1}).status() == Status::refused);  // staying in 1 costs less
}
