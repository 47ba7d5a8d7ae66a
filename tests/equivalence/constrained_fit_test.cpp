// The most likely model within a budget of T9's epsilon: optimal by other models that are within it, and the Pareto front.
#include "equivalence/constrained_fit.hpp"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "equivalence/rebuild.hpp"
#include "libmdp/error.hpp"
#include "solvers/solve.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;

namespace {

struct Instance {
  Mdp world;
  solvers::SolveResult solved;
  TransitionCounts counts;
};

Instance instance(std::mt19937& random, int max_states) {
  const Mdp world = tests::random_mdp(random, tests::random_shape(random, max_states), Discount(0.75));
  solvers::SolveOptions options;
  options.tolerance = 1e-12;
  TransitionData data;
  for (State s = 0; s < world.n_states(); ++s) {
    for (Action a = 0; a < world.n_actions(s); ++a) {
      for (int i = 0; i < 4; ++i) {
        data.add(s, a, static_cast<State>(random() % static_cast<unsigned>(world.n_states())));
      }
    }
  }
  return {world, solvers::solve(world, options), count_transitions(world, data)};
}

ConstrainedFitOptions within(double budget) {
  ConstrainedFitOptions options;
  options.fit.support = FitSupport::all_states;
  options.budget = budget;
  return options;
}

}  // namespace

TEST_CASE("T6, T9: every row is within the budget, and no model within it is more likely") {
  std::mt19937 random(73);
  for (int trial = 0; trial < 40; ++trial) {
    const Instance at = instance(random, 6);
    const double budget = trial % 3 == 0 ? 0.0 : 0.01 * static_cast<double>(1 + random() % 50);
    const ConstrainedFit fit = fit_within(at.world, at.solved, at.counts, within(budget));
    REQUIRE(fit.status == Status::converged);
    REQUIRE(fit.defect.epsilon <= budget + 1e-9);
    REQUIRE(fit.log_likelihood == Approx(log_likelihood(*fit.model, at.counts)));
    // Mixtures of the fit's rows with any distribution keep the moment within the budget where that has it: the most
    // likely row gains nothing on the way (the likelihood is concave, so that a local gain would be the sign of a better row).
    const auto n = static_cast<std::size_t>(at.world.n_states());
    for (Offset row = 0; row < at.world.n_rows(); ++row) {
      const auto r = static_cast<std::size_t>(row);
      std::vector<double> p(n, 0.0);
      for (auto k = fit.model->row_begin()[r]; k < fit.model->row_begin()[r + 1]; ++k) {
        p[static_cast<std::size_t>(fit.model->next_state()[static_cast<std::size_t>(k)])] =
            fit.model->probability()[static_cast<std::size_t>(k)];
      }
      double target = 0.0;
      for (auto k = at.world.row_begin()[r]; k < at.world.row_begin()[r + 1]; ++k) {
        target += at.world.probability()[static_cast<std::size_t>(k)] *
                  at.solved.values[static_cast<std::size_t>(at.world.next_state()[static_cast<std::size_t>(k)])];
      }
      const auto likelihood = [&](const std::vector<double>& q) {
        double sum = 0.0;
        for (std::size_t i = 0; i < at.counts.successors(row).size(); ++i) {
          sum += at.counts.counts(row)[i] * std::log(q[static_cast<std::size_t>(at.counts.successors(row)[i])]);
        }
        return sum;
      };
      const double own = likelihood(p);
      for (int other = 0; other < 40; ++other) {
        std::vector<double> q(n);
        double sum = 0.0, moment = 0.0;
        for (double& x : q) sum += x = -std::log(1.0 - static_cast<double>(random() % 10000) / 10001.0);
        for (std::size_t s = 0; s < n; ++s) moment += (q[s] /= sum) * at.solved.values[s];
        if (std::abs(moment - target) > budget / 0.75) continue;
        REQUIRE(likelihood(q) <= own + 1e-9);
        std::vector<double> mixed(n);
        for (std::size_t s = 0; s < n; ++s) mixed[s] = 0.999 * p[s] + 0.001 * q[s];
        REQUIRE(likelihood(mixed) <= own + 1e-9);
      }
    }
  }
}

TEST_CASE("the Pareto front: likelihood falls with the budget, the last point is equivalent") {
  std::mt19937 random(79);
  for (int trial = 0; trial < 10; ++trial) {
    const Instance at = instance(random, 8);
    const auto front = pareto_front(at.world, at.solved, at.counts, within(0.0), 6);
    REQUIRE(front.size() == 6);
    REQUIRE(front.front().log_likelihood ==
            Approx(log_likelihood(fit_maximum_likelihood(at.world, at.counts), at.counts)));
    for (std::size_t i = 0; i < front.size(); ++i) {
      REQUIRE(front[i].epsilon <= front[i].budget + 1e-9);
      if (i > 0) REQUIRE(front[i].log_likelihood <= front[i - 1].log_likelihood + 1e-9);
    }
    REQUIRE(front.back().budget == 0.0);
    REQUIRE(front.back().regret.upper < 1e-7);
  }
}

TEST_CASE("rows that cannot be equivalent on their support are refused and counted; misuse") {
  std::mt19937 random(83);
  const Instance at = instance(random, 5);
  ConstrainedFitOptions options = within(0.0);
  options.fit.support = FitSupport::observed;
  TransitionData one;  // one successor each: no freedom
  for (State s = 0; s < at.world.n_states(); ++s) {
    for (Action a = 0; a < at.world.n_actions(s); ++a) one.add(s, a, 0);
  }
  const ConstrainedFit fit = fit_within(at.world, at.solved, count_transitions(at.world, one), options);
  REQUIRE(fit.status == Status::refused);
  REQUIRE(fit.n_infeasible > 0);
  REQUIRE(fit.message.find("cannot on their support") != std::string::npos);
  options.budget = -1.0;
  REQUIRE_THROWS_WITH(fit_within(at.world, at.solved, at.counts, options), Catch::Contains("budget = -1"));
  REQUIRE_THROWS_WITH(pareto_front(at.world, at.solved, at.counts, within(0.0), 1), Catch::Contains("n_points = 1"));
}
