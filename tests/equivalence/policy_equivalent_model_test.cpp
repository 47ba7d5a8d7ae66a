// T8: models that keep the optimal actions only.
#include "equivalence/policy_equivalent_model.hpp"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "equivalence/equivalent_model.hpp"
#include "equivalence/policy_rows.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "solvers/solve.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using namespace mdp::tests;

namespace {

// [n_rows] optimal in exact rationals.
std::vector<bool> optimal_pairs(const Mdp& mdp) {
  const auto solution = solve_exactly(mdp);
  std::vector<bool> optimal;
  for (State s = 0; s < mdp.n_states(); ++s) {
    for (Offset row = mdp.state_rows()[static_cast<std::size_t>(s)];
         row < mdp.state_rows()[static_cast<std::size_t>(s) + 1]; ++row) {
      optimal.push_back(solution.q[static_cast<std::size_t>(row)] == solution.values[static_cast<std::size_t>(s)]);
    }
  }
  return optimal;
}

// Rows with every state in their support.
Mdp dense(std::mt19937& random, const std::vector<int>& shape, double discount) {
  const int n = static_cast<int>(shape.size());
  MdpBuilder b(n);
  for (int s = 0; s < n; ++s) {
    for (int a = 0; a < shape[static_cast<std::size_t>(s)]; ++a) {
      std::vector<int> w(static_cast<std::size_t>(n));
      int sum = 0;
      for (int& x : w) sum += x = draw(random, 1, 9);
      b.row(s, draw(random, -40, 40) / 4.0);
      for (int t = 0; t < n; ++t) b.to(t, w[static_cast<std::size_t>(t)] / static_cast<double>(sum));
    }
  }
  return b.discount(Discount(discount)).build();
}

}  // namespace

TEST_CASE("T8: the optimal actions are kept in exact rationals, nearer to the reference than T6") {
  const auto seed = 20261204U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  int n_nearer = 0, n_solved = 0, n_kept = 0;
  for (const auto divergence : {Divergence::kl, Divergence::l2}) {
    for (int trial = 0; trial < 25; ++trial) {
      CAPTURE(trial, to_string(divergence));
      const std::vector<int> shape(static_cast<std::size_t>(draw(random, 3, 5)), 2);
      const Mdp world = dense(random, shape, 0.8);
      const Mdp reference = dense(random, shape, random() % 2 == 0 ? 0.8 : 0.75);
      const auto solved = solvers::solve(world);
      const auto result = policy_equivalent_model(world, solved, reference, {.divergence = divergence});
      // A reference that keeps the sets is at no distance, and only such a one is.
      const Mdp own = reference.with_cost({world.cost().begin(), world.cost().end()});
      const bool keeps = optimal_pairs(own) == optimal_pairs(world);
      n_kept += keeps ? 1 : 0;
      REQUIRE((result.model && result.sum_divergence == 0.0) == keeps);
      if (!result.model) continue;
      ++n_solved;
      REQUIRE(result.status == Status::converged);
      REQUIRE(result.certificate.holds == Verdict::yes);
      REQUIRE(optimal_pairs(*result.model) == optimal_pairs(world));
      REQUIRE(result.sum_divergence <= result.start_divergence);
      if (result.sum_divergence < 0.9 * result.start_divergence) ++n_nearer;
      // T4: Phi is the model's V^*.
      const auto model = solve_exactly(*result.model);
      for (std::size_t s = 0; s < shape.size(); ++s) {
        REQUIRE(result.potential[s] == Approx(model.values[s].get_d()).margin(1e-9));
      }
    }
  }
  REQUIRE(n_solved > 30);
  REQUIRE(n_nearer > 8);
  REQUIRE(n_kept > 15);
}

TEST_CASE("T8: the gradient by the potential agrees with differences") {
  std::mt19937 random(17);
  const std::vector<int> shape(4, 2);
  const Mdp world = dense(random, shape, 0.8), reference = dense(random, shape, 0.8);
  const auto solution = solve_exactly(world);
  for (const auto divergence : {Divergence::kl, Divergence::l2}) {
    PolicyConstraints constraints{std::vector<char>(8, 1), {}, {}};
    for (const bool optimal : optimal_pairs(world)) {
      constraints.is_optimal.push_back(optimal ? 1 : 0);
      constraints.margin.push_back(optimal ? 0.0 : 0.01);
    }
    const Support support;
    PolicyRows rows(world, reference, Discount(0.8), support, nullptr, divergence, constraints);
    std::vector<double> phi, gradient(4), other(4);
    for (const auto& v : solution.values) phi.push_back(v.get_d());
    const double here = rows(phi, gradient, 1);
    REQUIRE(here < infinity);
    for (std::size_t s = 0; s < 4; ++s) {
      const double h = 1e-6;
      auto moved = phi;
      moved[s] += h;
      const double up = rows(moved, other, 1);
      moved[s] -= 2.0 * h;
      const double down = rows(moved, other, 2);
      REQUIRE(gradient[s] == Approx((up - down) / (2.0 * h)).epsilon(1e-5).margin(1e-7));
    }
  }
}

TEST_CASE("T8: a reference that decides like the world is kept; ties are undecided; options are checked") {
  std::mt19937 random(23);
  const Mdp world = dense(random, {2, 2, 2}, 0.8);
  const auto solved = solvers::solve(world);
  const auto own = policy_equivalent_model(world, solved, world);
  REQUIRE(own.sum_divergence <= 1e-20);
  REQUIRE(own.status == Status::converged);

  MdpBuilder b(1);
  b.row(0, 1.0).to(0, 1.0);
  b.row(0, 1.0).to(0, 1.0);
  const Mdp tied = b.discount(Discount(0.5)).build();
  const auto undecided = policy_equivalent_model(tied, solvers::solve(tied), tied);
  REQUIRE(undecided.n_tied_states == 1);
  REQUIRE(undecided.status == Status::precision_limit);

  REQUIRE_THROWS_WITH(policy_equivalent_model(world, solved, world, {.divergence = Divergence::l1}),
                      Catch::Contains("kl or l2"));
  REQUIRE_THROWS_AS(policy_equivalent_model(world, solved, world, {.advantage_fraction = 0.0}), InvalidOption);
  REQUIRE_THROWS_AS(policy_equivalent_model(world, solved, world.with_discount(Discount(1.0))), InvalidArgument);
}
