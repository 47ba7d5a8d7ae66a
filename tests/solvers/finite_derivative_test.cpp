#include "solvers/finite_derivative.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "solvers/differentiated_iteration.hpp"
#include "tests/oracles/raw_mdp.hpp"
#include "tests/support/directions.hpp"

namespace {

using namespace mdp;
using namespace mdp::solvers;
using mdp::tests::random_direction;
using Rational = mpq_class;
using oracles::RawMdp;

CriterionOptions stages(std::int64_t n, std::vector<double> terminal = {}) {
  CriterionOptions options;
  options.horizon = n;
  options.terminal = std::move(terminal);
  return options;
}

// rho0^T V_0 with every entry moved along d.
Rational performance(const Mdp& mdp, const EntryDirection& d, const Rational& by, std::int64_t n,
                     const std::vector<double>& terminal, bool normalised) {
  RawMdp<Rational> r = oracles::raw<Rational>(mdp);
  for (std::size_t row = 0; row < d.cost.size(); ++row) r.cost[row] += by * Rational(d.cost[row]);
  for (std::size_t k = 0; k < d.probability.size(); ++k) r.probability[k] += by * Rational(d.probability[k]);
  r.discount += by * Rational(d.discount);
  if (normalised) oracles::normalise(r);
  std::vector<Rational> v(mdp.n_states(), Rational(0));
  for (std::size_t s = 0; s < terminal.size(); ++s) v[s] = Rational(terminal[s]);
  for (std::int64_t k = 0; k < n; ++k) {
    std::vector<Rational> next(v.size());
    for (State s = 0; s < mdp.n_states(); ++s) {
      for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
        const Rational q = oracles::q_value(r, row, v);
        if (row == mdp.state_rows()[s] || q < next[s]) next[s] = q;
      }
    }
    v = std::move(next);
  }
  Rational j = 0;
  for (State s = 0; s < mdp.n_states(); ++s) j += Rational(mdp.initial()[s]) * v[s];
  return j;
}

}  // namespace

TEST_CASE("D2 in reverse: N stages, against differences in rationals, for both conventions and discount 1") {
  const Rational h(0x1p-60);
  int differentiable = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const Mdp mdp = generate::garnet({.shape = {.states = 6, .actions = 3, .successors = 3},
                                      .discount = seed % 3 == 0 ? Discount(1.0) : Discount(0.9),
                                      .seed = seed});
    const std::int64_t n = static_cast<std::int64_t>(seed % 7);
    std::vector<double> terminal(6);
    for (double& x : terminal) x = static_cast<double>(random() % 8);
    const bool normalised = seed % 2 == 0;
    DerivativeOptions options;
    if (normalised) options.convention = EntryConvention::normalised;
    const CriterionResult solved = solve_criterion(mdp, Criterion::finite, stages(n, terminal));
    const OptimumGradient found = finite_optimum_gradient(mdp, solved, options);
    if (found.reverse.status != Status::converged) continue;
    ++differentiable;
    REQUIRE(found.reverse.level == Level::certified);
    CHECK(found.reverse.probability_error_bound < 1e-12);
    CHECK(found.reverse.discount_error_bound < 1e-12);
    for (int trial = 0; trial < 3; ++trial) {
      const EntryDirection d = random_direction(mdp, random);
      const Rational up = performance(mdp, d, h, n, terminal, normalised);
      const Rational down = performance(mdp, d, -h, n, terminal, normalised);
      const double exact = Rational((up - down) / (2 * h)).get_d();
      CHECK(dot(found.reverse.gradient, d) == Approx(exact).epsilon(1e-12).margin(1e-13));

      DifferentiatedIterationOptions forward;  // D2 forward
      forward.sweeps = n;
      forward.terminal = terminal;
      forward.convention = options.convention;
      const auto dv = differentiated_value_iteration(mdp, d, forward).derivative;
      double by_forward = 0.0;
      for (State s = 0; s < mdp.n_states(); ++s) by_forward += mdp.initial()[s] * dv[s];
      CHECK(by_forward == Approx(exact).epsilon(1e-12).margin(1e-13));
    }
  }
  CHECK(differentiable >= 25);
}

namespace {

// Two actions of the same value in state 1, which only action 1 of state 0 leads to.
Mdp tied_behind(double cost_of_staying) {
  MdpBuilder b(2);
  b.discount(1.0);
  b.row(0, cost_of_staying).to(0, 1.0);
  b.row(0, 5.0).to(1, 1.0);
  b.row(1, 2.0).to(0, 1.0);
  b.row(1, 2.0).to(1, 1.0);
  b.initial(0, 1.0);
  return b.build();
}

}  // namespace

TEST_CASE("D2 in reverse: ties count where an optimal policy passes, at any stage") {
  const Mdp apart = tied_behind(1.0);
  CHECK(finite_optimum_gradient(apart, solve_criterion(apart, Criterion::finite, stages(3))).ties.empty());
  const Mdp through = tied_behind(100.0);
  const CriterionResult solved = solve_criterion(through, Criterion::finite, stages(2));
  const OptimumGradient refused = finite_optimum_gradient(through, solved);
  CHECK(refused.reverse.status == Status::refused);
  CHECK(refused.reverse.message.find("stage 1: state 1: actions 0, 1") == 0);
  REQUIRE(refused.ties.size() == 1);
  const OptimumGradient of_policy = finite_optimum_gradient(through, solved, {.at_ties = AtTies::use_policy});
  CHECK(of_policy.of_policy);
  CHECK(of_policy.reverse.gradient.cost == std::vector<double>{0.0, 1.0, 1.0, 0.0});
  CHECK(of_policy.ties.size() == 1);
  CHECK_THROWS_AS(finite_optimum_gradient(through, solve_criterion(through, Criterion::average)), InvalidArgument);
}
