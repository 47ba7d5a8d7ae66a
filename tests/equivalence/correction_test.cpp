// Iterated correction while Q* is not known: rate, limit, divergence (T6).
#include "equivalence/correction.hpp"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "equivalence/candidate.hpp"
#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
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

Mdp mixed(const Mdp& world, const Mdp& other, double weight, double discount = 0.5) {
  MdpBuilder b(world.n_states());
  for (Offset row = 0; row < world.n_rows(); ++row) {
    const auto r = static_cast<std::size_t>(row);
    b.row(world.state_of(row), world.cost()[r]);
    for (const Mdp* mdp : {&world, &other}) {
      const double w = mdp == &world ? 1.0 - weight : weight;
      for (Offset k = mdp->row_begin()[r]; k < mdp->row_begin()[r + 1]; ++k) {
        b.to(mdp->next_state()[static_cast<std::size_t>(k)], w * mdp->probability()[static_cast<std::size_t>(k)]);
      }
    }
  }
  return b.discount(Discount(discount)).build();
}

std::vector<int> shape_of(const Mdp& mdp) {
  std::vector<int> shape;
  for (State s = 0; s < mdp.n_states(); ++s) shape.push_back(static_cast<int>(mdp.n_actions(s)));
  return shape;
}

}  // namespace

TEST_CASE("cost correction: each step makes the error at most kappa times as large, the limit is V*") {
  std::mt19937 random(5);
  int contracting = 0;
  for (int trial = 0; trial < 60; ++trial) {
    const Mdp world = tests::random_mdp(random, tests::random_shape(random, 7), Discount(0.5));
    const Mdp other = tests::random_mdp(random, shape_of(world), Discount(0.5));
    const double discount = trial % 3 == 0 ? 0.375 : 0.5;
    const Mdp model = mixed(world, other, 0.3, discount);
    const auto solved = solvers::solve(world, within(1e-12));
    const CorrectionResult found = correct_iteratively(world, model, {}, KnownValues(solved));
    REQUIRE(found.kappa <= (0.5 - discount + 0.3 * discount * 2.0) / (1.0 - discount) + 1e-9);
    if (found.kappa >= 1.0) continue;
    ++contracting;
    REQUIRE(found.status == Status::converged);
    for (std::size_t k = 1; k < found.steps.size(); ++k) {
      REQUIRE(found.steps[k].error <= found.kappa * found.steps[k - 1].error + 1e-9);
    }
    REQUIRE(found.steps.back().error <= found.error_bound + 1e-12);
    REQUIRE(found.error_bound < 1e-7);
    // The corrected model decides as the world does: it has V*.
    REQUIRE(assess_candidate(world, solved, *found.model).distance.norm.lower < 1e-7);
  }
  REQUIRE(contracting > 20);
}

TEST_CASE("cost correction can diverge: rho = swap, rho^ = stay, gamma = 0.9 has spectral radius 18") {
  MdpBuilder b(2), c(2);
  b.row(0, 1.0).to(1, 1.0);
  b.row(1, 0.0).to(0, 1.0);
  c.row(0, 1.0).to(0, 1.0);
  c.row(1, 0.0).to(1, 1.0);
  const Mdp world = b.discount(Discount(0.9)).build();
  const Mdp model = c.discount(Discount(0.9)).build();
  const CorrectionResult found = correct_iteratively(world, model);
  REQUIRE(found.status == Status::refused);
  REQUIRE(found.message.find("diverges") != std::string::npos);
  REQUIRE(found.kappa == Approx(18.0));
  REQUIRE(found.error_bound == infinity);
  REQUIRE(found.steps.back().rate == Approx(18.0).epsilon(1e-6));
}

TEST_CASE("model correction: the fixed point is V* where rows stay feasible") {
  std::mt19937 random(29);
  int settled = 0;
  for (int trial = 0; trial < 40; ++trial) {
    const Mdp world = tests::random_mdp(random, tests::random_shape(random, 6), Discount(0.5));
    const Mdp other = tests::random_mdp(random, shape_of(world), Discount(0.5));
    const Mdp model = mixed(world, other, 0.2);
    const auto solved = solvers::solve(world, within(1e-12));
    CorrectionOptions options;
    options.correction = Correction::model;
    options.max_iterations = 200;
    const CorrectionResult found = correct_iteratively(world, model, options, KnownValues(solved));
    if (found.status != Status::converged) continue;
    ++settled;
    REQUIRE(found.steps.back().error < 1e-7);
    REQUIRE(assess_candidate(world, solved, *found.model).distance.norm.lower < 1e-6);
  }
  REQUIRE(settled > 20);
}

TEST_CASE("an error e of gamma E_rho V leaves at most e / ((1 - gamma^)(1 - kappa))") {
  std::mt19937 random(31);
  for (int trial = 0; trial < 30; ++trial) {
    const Mdp world = tests::random_mdp(random, tests::random_shape(random, 6), Discount(0.5));
    const Mdp model = mixed(world, tests::random_mdp(random, shape_of(world), Discount(0.5)), 0.2);
    const auto solved = solvers::solve(world, within(1e-12));
    const double e = 0.01;  // an error of the expectation is one of the world's cost
    Buffer<double> cost(world.cost().begin(), world.cost().end());
    for (double& c : cost) c += random() % 2 == 0 ? e : -e;
    const CorrectionResult found = correct_iteratively(world.with_cost(cost), model, {}, KnownValues(solved));
    if (!(found.kappa < 1.0)) continue;
    REQUIRE(found.steps.back().error <= e / (0.5 * (1.0 - found.kappa)) + 1e-9);
  }
}

TEST_CASE("misuse of the iterated correction") {
  std::mt19937 random(37);
  const Mdp world = tests::random_mdp(random, {1, 2}, Discount(0.5));
  REQUIRE_THROWS_WITH(correct_iteratively(world, world.with_discount(Discount(1.0))), Catch::Contains("below 1"));
  CorrectionOptions options;
  options.start = {1.0};
  REQUIRE_THROWS_WITH(correct_iteratively(world, world, options), Catch::Contains("start of 1 values"));
  options = {};
  options.max_iterations = 0;
  REQUIRE_THROWS_AS(correct_iteratively(world, world, options), InvalidOption);
}
