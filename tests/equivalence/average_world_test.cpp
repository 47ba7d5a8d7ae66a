// T3 from average worlds: Q^* of the model that is built is Q* of the world within the certified bound, in rationals.
#include <cmath>
#include <random>
#include <string>

#include <catch2/catch.hpp>
#include <gmpxx.h>

#include "equivalence/criterion_change.hpp"
#include "libmdp/builder.hpp"
#include "solvers/exact/exact.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using namespace mdp::tests;
using solvers::Criterion;

namespace {

// Entries in eighths and quarters, so that doubles are exact. Multichain, with ties, periods and transient states.
Mdp random_world(std::mt19937& random, int n) {
  MdpBuilder b(n);
  for (int s = 0; s < n; ++s) {
    const int n_actions = draw(random, 1, 3);
    for (int a = 0; a < n_actions; ++a) {
      const int first = draw(random, 1, 8);
      b.row(s, draw(random, -8, 8) / 4.0).to(draw(random, 0, n - 1), first / 8.0);
      if (first < 8) b.to(draw(random, 0, n - 1), (8 - first) / 8.0);
    }
  }
  return b.discount(1.0).build();
}

// The same rows, elsewhere.
Mdp random_model(std::mt19937& random, const Mdp& world, double discount) {
  MdpBuilder b(world.n_states());
  for (State s = 0; s < world.n_states(); ++s) {
    for (Action a = 0; a < world.n_actions(s); ++a) {
      b.row(s, 0.0).to(draw(random, 0, world.n_states() - 1), 0.75).to(draw(random, 0, world.n_states() - 1), 0.25);
    }
  }
  return b.discount(discount).build();
}

// L - g + P h of a row, g and h the exact gain and bias of the target's policy.
mpq_class exact_q(const Mdp& world, const solvers::ExactResult& own, State s, Offset row) {
  mpq_class q =
      mpq_class(world.cost()[static_cast<std::size_t>(row)]) - mpq_class(own.gain_exact[static_cast<std::size_t>(s)]);
  const auto first = static_cast<std::size_t>(world.row_begin()[static_cast<std::size_t>(row)]);
  const auto last = static_cast<std::size_t>(world.row_begin()[static_cast<std::size_t>(row) + 1]);
  for (std::size_t k = first; k < last; ++k) {
    q += mpq_class(world.probability()[k]) * mpq_class(own.bias_exact[static_cast<std::size_t>(world.next_state()[k])]);
  }
  return q;
}

}  // namespace

TEST_CASE("T3: a discounted model of an average world has its Q* within the certified bound, in rationals") {
  const auto seed = 31U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  int n_certified = 0;
  for (int trial = 0; trial < 150; ++trial) {
    CAPTURE(trial);
    const Mdp world = random_world(random, draw(random, 1, 6));
    const Mdp model = random_model(random, world, trial % 3 == 0 ? 0.0 : trial % 3 == 1 ? 0.5 : 0.99609375);
    const WorldTarget target = world_target(world, Criterion::average);
    REQUIRE(target.status == Status::converged);
    REQUIRE(target.optimality_residual < 1e-12);
    CriterionChangeOptions options;
    const auto found = change_criterion(world, target, {}, model, options);
    INFO(found.message);
    if (found.status == Status::refused) continue;
    REQUIRE(found.status == Status::converged);
    REQUIRE(found.cost.level == Level::certified);
    REQUIRE(found.confirmation->certified);
    const double bound = found.cost.q_error_bound;
    REQUIRE(bound < 1e-10);
    const auto own = solvers::evaluate_exactly(solvers::ExactMdp(world), target.policy, Criterion::average);
    const auto built = solvers::solve_exactly(solvers::ExactMdp(*found.model), Criterion::discounted);
    REQUIRE(built.converged());
    for (State s = 0; s < world.n_states(); ++s) {
      mpq_class least;
      bool any = false;
      for (Action a = 0; a < world.n_actions(s); ++a) {
        const Offset row = world.state_rows()[static_cast<std::size_t>(s)] + a;
        if (found.cost.q[static_cast<std::size_t>(row)] == infinity) continue;
        const mpq_class q = exact_q(world, own, s, row);
        REQUIRE(abs(q - mpq_class(found.cost.q[static_cast<std::size_t>(row)])) <=
                mpq_class(bound + 0x1p-52 * std::abs(q.get_d())));
        if (!any || q < least) least = q;
        any = true;
      }
      REQUIRE(any);
      // V^* of the model as stored, exactly.
      REQUIRE(abs(least - mpq_class(built.value_exact[static_cast<std::size_t>(s)])) <= mpq_class(bound));
    }
    ++n_certified;
  }
  REQUIRE(n_certified > 100);
}
