#include "solvers/differentiated_iteration.hpp"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "solvers/solve.hpp"
#include "tests/oracles/raw_mdp.hpp"
#include "tests/support/directions.hpp"

namespace {

using namespace mdp;
using namespace mdp::solvers;
using mdp::tests::random_direction;
using Rational = mpq_class;

Mdp garnet(std::uint64_t seed, double discount) {
  return generate::garnet({.shape = {.states = 5, .actions = 3, .successors = 3}, .discount = discount, .seed = seed});
}

std::vector<Rational> stages(const Mdp& mdp, const EntryDirection& d, const Rational& by, std::int64_t n) {
  auto r = oracles::raw<Rational>(mdp);
  for (std::size_t row = 0; row < d.cost.size(); ++row) r.cost[row] += by * Rational(d.cost[row]);
  for (std::size_t k = 0; k < d.probability.size(); ++k) r.probability[k] += by * Rational(d.probability[k]);
  r.discount += by * Rational(d.discount);
  return oracles::value_iteration(r, static_cast<int>(n));
}

}  // namespace

TEST_CASE("D2: after k sweeps, the exact derivative of the problem of k stages, for every k") {
  const double discount = GENERATE(0.875, 1.0);
  const std::uint64_t seed = 17;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const Mdp mdp = garnet(4, discount);
  const EntryDirection direction = random_direction(mdp, random);
  const Rational h(0x1p-60);
  for (std::int64_t k = 0; k <= 4; ++k) {
    const DifferentiatedIteration it = differentiated_value_iteration(mdp, direction, {.sweeps = k});
    REQUIRE(it.status == Status::converged);
    CHECK(it.sweeps == k);
    CHECK(it.n_ties == 0);
    CHECK(it.level == Level::certified);
    CHECK(it.derivative_error_bound < 1e-12);
    const auto up = stages(mdp, direction, h, k), down = stages(mdp, direction, -h, k),
               at = stages(mdp, direction, 0, k);
    for (State s = 0; s < mdp.n_states(); ++s) {
      const double exact = Rational((up[s] - down[s]) / (2 * h)).get_d();
      CHECK(std::abs(it.derivative[s] - exact) <= it.derivative_error_bound + 1e-30);
      CHECK(std::abs(it.values[s] - at[s].get_d()) <= it.value_error_bound);
    }
  }
}

TEST_CASE("D2 converges to D1: like gamma^k for costs, like k gamma^k for probabilities and the discount") {
  const Mdp mdp = garnet(6, 0.875);
  SolveOptions accurate;
  accurate.relative_tolerance = 1e-13;
  const Linearisation d1 = linearise_optimum(mdp, solve(mdp, accurate));
  REQUIRE(d1.status() == Status::converged);
  const bool costs = GENERATE(true, false);
  EntryDirection direction = zero_direction(mdp);
  if (costs) {
    direction.cost.assign(direction.cost.size(), 1.0);
  } else {
    direction.discount = 1.0;
  }
  const std::vector<double> limit = d1.jvp(direction).values;
  const auto error = [&](std::int64_t k) {
    const DifferentiatedIteration it = differentiated_value_iteration(mdp, direction, {.sweeps = k});
    double most = 0.0;
    for (std::size_t s = 0; s < limit.size(); ++s) most = std::max(most, std::abs(it.derivative[s] - limit[s]));
    return most;
  };
  // Ratio of errors 40 sweeps apart against gamma^40, times (120 + c)/(80 + c) for the discount.
  const double ratio = error(120) / error(80) / std::pow(0.875, 40);
  if (costs) {
    CHECK(ratio == Approx(1.0).epsilon(0.01));
  } else {
    CHECK(ratio > 1.3);
    CHECK(ratio < 1.5);
  }
  CHECK(error(300) < 1e-11);
}

TEST_CASE("D2: terminal costs, traces, ties and stops") {
  MdpBuilder b(2);
  b.discount(0.5);
  b.row(0, 1.0).to(0, 1.0);
  b.row(0, 1.0).to(1, 1.0);
  b.row(1, 2.0).to(1, 1.0);
  const Mdp mdp = b.build();
  EntryDirection direction = zero_direction(mdp);
  direction.cost[0] = 1.0;
  const DifferentiatedIteration tied = differentiated_value_iteration(mdp, direction, {.sweeps = 1});
  CHECK(tied.n_ties == 1);
  CHECK(tied.level == Level::approximate);
  REQUIRE(tied.first_ties.size() == 1);
  CHECK(tied.first_ties[0].sweep == 1);
  CHECK(tied.first_ties[0].state == 0);

  DifferentiatedIterationOptions options{.sweeps = 10, .terminal = {4.0, 0.0}, .terminal_direction = {0.0, 8.0}};
  options.record_trace = true;
  options.observer = [](const DifferentiatedSweep& sweep) { return sweep.sweep < 3; };
  const DifferentiatedIteration stopped = differentiated_value_iteration(mdp, direction, options);
  CHECK(stopped.status == Status::interrupted);
  CHECK(stopped.sweeps == 3);
  CHECK(stopped.trace.size() == 3);
  // Stage 1: V(0) = min(1 + 2, 1 + 0) = 1 by the second action, dV = 0.5 * 8; V(1) = 2, dV = 4.
  CHECK(stopped.trace[0].value_change == 3.0);
  const auto once = differentiated_value_iteration(
      mdp, direction, {.sweeps = 1, .terminal = {4.0, 0.0}, .terminal_direction = {0.0, 8.0}});
  CHECK(once.values == std::vector<double>{1.0, 2.0});
  CHECK(once.derivative == std::vector<double>{4.0, 4.0});
  CHECK(once.policy == Policy{1, 0});
  CHECK_THROWS_AS(differentiated_value_iteration(mdp, direction, {.sweeps = -1}), InvalidOption);
  CHECK_THROWS_AS(differentiated_value_iteration(mdp, direction, {.terminal = {1.0}}), InvalidArgument);
  CHECK_THROWS_AS(differentiated_value_iteration(mdp, EntryDirection{}), InvalidArgument);
}
