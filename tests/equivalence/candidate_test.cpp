// T9, C3: errors and regret of candidate models against exact rationals.
#include "equivalence/candidate.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "equivalence/equivalent_cost.hpp"
#include "equivalence/equivalent_model.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "solvers/solve.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using namespace mdp::tests;

namespace {

struct Exact {
  io::ExactModel world, model;
  ExactSolution world_solution, model_solution;

  Exact(const Mdp& w, const Mdp& m)
      : world(exact_model_of(w)),
        model(exact_model_of(m)),
        world_solution(solve_exactly(world)),
        model_solution(solve_exactly(model)) {}

  // Q^* - Q* per row.
  [[nodiscard]] std::vector<Rational> difference() const {
    std::vector<Rational> d;
    for (std::size_t row = 0; row < world_solution.q.size(); ++row) {
      d.push_back(model_solution.q[row] - world_solution.q[row]);
    }
    return d;
  }
  // Delta of T9 per row.
  [[nodiscard]] std::vector<Rational> delta() const {
    auto d = exact_q(model, world_solution.values);
    for (std::size_t row = 0; row < d.size(); ++row) d[row] -= world_solution.q[row];
    return d;
  }
  // V^pi - V* in the world.
  [[nodiscard]] std::vector<Rational> regret(const Policy& policy) const {
    std::vector<Rational> regret;
    for (const auto& v : oracles::policy_values(world, policy)) {
      regret.push_back(v.value() - world_solution.values[regret.size()]);
    }
    return regret;
  }
};

Rational smallest(const std::vector<Rational>& x) { return *std::min_element(x.begin(), x.end()); }
Rational largest(const std::vector<Rational>& x) { return *std::max_element(x.begin(), x.end()); }
bool contains(const bounds::Interval& i, const Rational& x) {
  return (i.lower == -infinity || Rational(i.lower) <= x) && (i.upper == infinity || x <= Rational(i.upper));
}

}  // namespace

TEST_CASE("T9 and C3: every bound of a random candidate contains the exact number, and none is vacuous") {
  const auto seed = 20261126U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const double discounts[] = {0.0, 0.5, 0.9, 0.99};
  int n_regret = 0;
  for (int trial = 0; trial < 200; ++trial) {
    CAPTURE(trial);
    const auto shape = random_shape(random, 5);
    const Mdp world = random_mdp(random, shape, discounts[random() % 4]);
    Mdp model = random_mdp(random, shape, discounts[random() % 4]);
    if (trial % 3 == 0) model = world.with_discount(model.exact_discount());
    const Exact exact(world, model);
    const auto solved = solvers::solve(world);

    const auto result = assess_candidate(world, solved, model);

    REQUIRE(result.status == Status::converged);
    const auto delta = exact.delta();
    const auto difference = exact.difference();
    const Rational epsilon = std::max(largest(delta), Rational(-smallest(delta)));
    REQUIRE(contains(result.defect.range, smallest(delta)));
    REQUIRE(contains(result.defect.range, largest(delta)));
    REQUIRE(epsilon <= Rational(result.defect.epsilon));
    REQUIRE(result.defect.epsilon <= epsilon.get_d() * (1 + 1e-9) + 1e-6);
    for (std::size_t row = 0; row < delta.size(); ++row) {
      REQUIRE(std::abs(result.defect.delta[row] - delta[row].get_d()) <= 1e-6);
      // T9, two-sided:  min Delta <= (1 - gamma^)(Q^* - Q*) <= max Delta.
      REQUIRE(contains(result.defect.q_difference, difference[row]));
      REQUIRE(contains(result.distance.difference, difference[row]));
    }
    const Rational norm = std::max(largest(difference), Rational(-smallest(difference)));
    REQUIRE(contains(result.distance.norm, norm));
    REQUIRE(result.distance.norm.upper - result.distance.norm.lower <= 1e-6 * (1.0 + norm.get_d()));

    const auto regret = exact.regret(result.model.policy);
    Rational at_start = 0;
    for (std::size_t s = 0; s < regret.size(); ++s) {
      REQUIRE(Rational(result.regret_lower[s]) <= regret[s]);
      REQUIRE(regret[s] <= Rational(result.regret_upper[s]));
      REQUIRE(std::abs(result.regret[s] - regret[s].get_d()) <= 1e-6 * (1.0 + std::abs(result.policy_value[s])));
      at_start += Rational(world.initial()[s]) * regret[s];
    }
    REQUIRE(contains(result.max_regret, largest(regret)));
    REQUIRE(contains(result.initial_regret_bounds, at_start));
    REQUIRE(largest(regret) <= Rational(result.regret_bound_c3));
    REQUIRE(result.regret_bound_c3 <= result.regret_bound_t9 * (1 + 1e-6) + 1e-6);
    n_regret += largest(regret) > Rational(1, 100) ? 1 : 0;
  }
  REQUIRE(n_regret > 20);
}

TEST_CASE("T9 is attained: a constant error of the cost moves Q by it over 1 - gamma^, and costs no regret") {
  std::mt19937 random(2);
  const auto shape = random_shape(random, 5);
  const Mdp world = random_mdp(random, shape, 0.75);
  Buffer<double> shifted(world.cost().begin(), world.cost().end());
  for (double& c : shifted) c += 0.5;
  const auto solved = solvers::solve(world);
  const auto result = assess_candidate(world, solved, world.with_cost(std::move(shifted)));
  REQUIRE(result.defect.epsilon == Approx(0.5));
  REQUIRE(result.defect.q_difference.lower == Approx(2.0));
  REQUIRE(result.defect.q_difference.upper == Approx(2.0));
  REQUIRE(result.distance.norm.lower == Approx(2.0));
  REQUIRE(result.max_regret.upper <= 1e-8);
  REQUIRE(result.regret_bound_t9 <= 1e-6);  // sp(Delta) = 0
}

TEST_CASE("C3 is attained: one error against the optimal action, for ever") {
  // One state, two actions of cost 0 and d; the candidate has them the other way round by 2d (1 + tiny).
  MdpBuilder b(1);
  b.row(0, 0.0).to(0, 1.0);
  b.row(0, 1.0).to(0, 1.0);
  const Mdp world = b.discount(Discount(0.75)).build();
  const Mdp model = world.with_discount(0.0).with_cost({1.0 + 0x1p-20, 1.0});
  const auto solved = solvers::solve(world);
  const auto result = assess_candidate(world, solved, model);
  REQUIRE(result.model.policy == Policy{1});
  REQUIRE(result.max_regret.lower == Approx(4.0));
  REQUIRE(result.regret_bound_c3 == Approx(4.0).epsilon(1e-5));
  REQUIRE(result.initial_regret == Approx(4.0));
  REQUIRE(result.regret_bound_t9 == Approx(4.0).epsilon(1e-5));  // gamma^ = 0: sp(Delta) = 1
}

TEST_CASE("T1 and T6 end to end: solving the model finds the world's Q* within certified bounds") {
  const Mdp world = generate::gridworld(generate::frozenlake4x4());
  const auto solved = solvers::solve(world);
  // A wrong model: no slip, another discount.
  auto straight = generate::frozenlake4x4();
  straight.slip = 0.0;
  const Mdp model = generate::gridworld(straight);

  const auto candidate = assess_candidate(world, solved, model);
  REQUIRE(candidate.max_regret.lower > 0.1);

  for (const double gamma_model : {0.0, 0.5, 0.99}) {
    const auto cost = equivalent_cost(world, solved, model.with_discount(gamma_model));
    REQUIRE(cost.status == Status::converged);
    const auto verified = verify(world, solved, *cost.model);
    REQUIRE(verified.holds());
    REQUIRE(verified.distance.norm.upper <= 1e-7);
    const auto reassessed = assess_candidate(world, solved, *cost.model);
    REQUIRE(reassessed.max_regret.upper <= 1e-7);
    REQUIRE(reassessed.defect.epsilon <= 1e-7);
  }

  auto windy = generate::frozenlake4x4();
  windy.slip = 0.1;
  const auto other = equivalent_model(world, solved, generate::gridworld(windy));
  REQUIRE(other.status == Status::converged);
  REQUIRE(other.n_changed > 0);
  REQUIRE(other.sum_divergence > 0.01);
  const auto verified = verify(world, solved, *other.model);
  REQUIRE(verified.holds());
  REQUIRE(verified.distance.norm.upper <= 1e-7);
  REQUIRE(verified.promise <= 1e-12);
  REQUIRE(verify(world, solved, generate::gridworld(windy)).distance.norm.lower > 0.01);
}

TEST_CASE("infinite values: the same set is compared on the rest, another one is told") {
  MdpBuilder b(2);
  b.row(0, 1.0).to(0, 1.0);
  b.row(0, 0.0).to(1, 1.0);
  b.row(1, infinity).to(1, 1.0);
  const Mdp world = b.discount(Discount(0.5)).build();
  const auto solved = solvers::solve(world);
  REQUIRE(solved.values[1] == infinity);

  const auto same = assess_candidate(world, solved, world);
  REQUIRE(same.status == Status::converged);
  REQUIRE(same.defect.epsilon <= 1e-8);
  REQUIRE(same.distance.norm.upper <= 1e-8);
  REQUIRE(same.max_regret.upper <= 1e-8);

  const Mdp optimist = world.with_cost({1.0, 0.0, 0.0});  // sees no harm in state 1
  const auto wrong = assess_candidate(world, solved, optimist);
  REQUIRE(wrong.defect.epsilon == infinity);
  REQUIRE(wrong.defect.q_difference.lower == -infinity);
  REQUIRE(wrong.distance.norm.upper == infinity);
  REQUIRE(wrong.model.policy[0] == 1);
  REQUIRE(wrong.regret[0] == infinity);
  REQUIRE(wrong.max_regret.lower == infinity);
  REQUIRE(wrong.regret_bound_c3 == infinity);

  const Mdp pessimist = world.with_cost({infinity, infinity, infinity});
  REQUIRE(model_defect(world, solved, pessimist).range.upper == infinity);
  REQUIRE(model_defect(world, solved, pessimist).delta[0] == infinity);
}

TEST_CASE("candidates: an undiscounted model is refused, a stopped solver leaves bounds that hold") {
  std::mt19937 random(3);
  const Mdp world = random_mdp(random, {2, 1, 2}, 0.9);
  const auto solved = solvers::solve(world);
  REQUIRE(assess_candidate(world, solved, world.with_discount(1.0)).status == Status::refused);
  REQUIRE(verify(world, solved, world.with_discount(1.0)).status == Status::refused);
  REQUIRE_FALSE(verify(world, solved, world.with_discount(1.0)).holds());

  solvers::SolveOptions approximate;
  approximate.level = Level::approximate;
  REQUIRE_THROWS_AS(verify(world, solved, world, approximate), InvalidOption);
  REQUIRE_THROWS_AS(assess_candidate(world, KnownValues(solved.values), world), InvalidArgument);

  solvers::SolveOptions one_sweep;
  one_sweep.method = solvers::Method::value_iteration;
  one_sweep.max_sweeps = 1;
  const auto stopped = verify(world, solved, world, one_sweep);
  REQUIRE(stopped.status == Status::sweep_limit);
  REQUIRE(stopped.distance.norm.lower <= 0.0);
  REQUIRE(stopped.distance.norm.upper > 0.0);

  auto boundless = solved;  // as a solver leaves it that was stopped before its first bounds
  boundless.value_error_bound = infinity;
  REQUIRE(equivalent_cost(world, boundless, world).level == Level::approximate);
}
