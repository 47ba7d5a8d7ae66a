// T3: equivalent costs from every world criterion to every model criterion, and the conditions that refuse one.
#include "equivalence/criterion_change.hpp"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using namespace mdp::tests;
using solvers::Criterion;
using solvers::CriterionOptions;

namespace {

constexpr Criterion all_criteria[] = {Criterion::discounted, Criterion::goal, Criterion::total, Criterion::average,
                                      Criterion::finite};

// States 0 .. n-1 and a goal n, which every row reaches with positive probability; positive costs in quarters.
Mdp filled(std::mt19937& random, const std::vector<int>& shape, const Discount& discount) {
  const int n = static_cast<int>(shape.size());
  MdpBuilder b(n + 1);
  for (int s = 0; s < n; ++s) {
    for (int a = 0; a < shape[static_cast<std::size_t>(s)]; ++a) {
      const int to_goal = draw(random, 1, 3), first = draw(random, 1, 4);
      b.row(s, draw(random, 1, 40) / 4.0).to(n, to_goal / 8.0);
      b.to(draw(random, 0, n - 1), first / 8.0).to(draw(random, 0, n - 1), (8 - to_goal - first) / 8.0);
    }
  }
  return b.goal(n).discount(discount).build();
}

CriterionOptions world_options(Criterion criterion) {
  CriterionOptions options;
  if (criterion == Criterion::finite) options.horizon = 6;
  return options;
}

CriterionChange change(const Mdp& world, Criterion from, const Mdp& model, Criterion to, std::int64_t horizon = 5) {
  CriterionChangeOptions options;
  options.criterion = to;
  if (to == Criterion::finite) options.horizon = horizon;
  return change_criterion(world, world_target(world, from, world_options(from)), world_options(from), model, options);
}

// The model's optimal actions are greedy for the world's Q*, up to rounding.
void require_greedy(const Mdp& mdp, const CriterionChange& found, std::span<const Action> policy) {
  for (State s = 0; s < mdp.n_states(); ++s) {
    const auto row = static_cast<std::size_t>(selected_row(mdp, policy, s));
    REQUIRE(found.cost.advantage[row] <= 1e-6);
  }
}

Mdp trap(double gamma) {
  MdpBuilder b(2);
  b.row(0, 0.5, "stay").to(0, 1.0);
  b.row(0, 0.0, "go").to(1, 1.0);
  b.row(1, 1.0).to(1, 1.0);
  return b.discount(Discount(gamma)).build();
}

}  // namespace

TEST_CASE("T3: all twenty-five cells are constructed, confirmed by solving the model, and keep the decisions") {
  const auto seed = 8U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 6; ++trial) {
    const auto shape = random_shape(random, 5);
    const Mdp world = filled(random, shape, 0.9), model = filled(random, shape, 0.75);
    for (const Criterion from : all_criteria) {
      for (const Criterion to : all_criteria) {
        CAPTURE(trial, to_string(from), to_string(to));
        const auto found = change(world, from, model, to);
        CAPTURE(found.message);
        REQUIRE(found.status == Status::converged);
        REQUIRE(found.confirmation);
        REQUIRE(found.confirmation->status == Status::converged);
        REQUIRE(found.confirmation->error.upper <= 1e-5);
        REQUIRE(std::abs(found.shift.upper) <= 1e-6);  // V* = 0 at the goal
        if (from == Criterion::finite && to == Criterion::finite) {
          REQUIRE(found.cost_by_stage.size() == 5);
          REQUIRE(found.confirmation->certified);
          continue;
        }
        if (to == Criterion::total || to == Criterion::average) {
          require_greedy(world, found, found.boundary->policy);
          continue;
        }
        CriterionOptions options;
        options.improper = solvers::Improper::excluded;
        if (to == Criterion::finite) {
          options.horizon = 5;
          options.terminal = found.terminal;
        }
        require_greedy(world, found, solvers::solve_criterion(*found.model, to, options).policy);
      }
    }
  }
}

TEST_CASE("T3: the world's Q* of each criterion is what its Bellman step gives") {
  std::mt19937 random(4);
  const auto shape = random_shape(random, 5);
  const Mdp world = filled(random, shape, 0.9);
  const auto total = world_target(world, Criterion::total), average = world_target(world, Criterion::average);
  // Every policy reaches the goal: the gain is 0 and the bias the total cost.
  for (std::size_t s = 0; s < total.values.size(); ++s)
    REQUIRE(average.values[s] == Approx(total.values[s]).margin(1e-7));
  for (std::size_t s = 0; s < total.values.size(); ++s) {
    REQUIRE(average.lower[s] <= total.upper[s]);
    REQUIRE(total.lower[s] <= average.upper[s]);
    REQUIRE(average.upper[s] - average.lower[s] <= 1e-12 * (1.0 + std::abs(total.values[s])));
  }
  REQUIRE(average.optimality_residual < 1e-12);
  REQUIRE_FALSE(total.lower.empty());
  const auto finite = world_target(world, Criterion::finite, world_options(Criterion::finite), 4);
  REQUIRE(finite.stages == 2);
  REQUIRE_THROWS_WITH(world_target(world, Criterion::finite, world_options(Criterion::finite), 6),
                      Catch::Contains("required 0 <= stage < horizon = 6"));
  REQUIRE_THROWS_AS(world_target(world, Criterion::reach), InvalidOption);
}

TEST_CASE("T3: a terminal cost counts at goal states too") {
  std::mt19937 random(9);
  const auto shape = random_shape(random, 4);
  const Mdp world = filled(random, shape, 0.9), model = filled(random, shape, 0.75);
  CriterionOptions options = world_options(Criterion::finite);
  options.terminal.assign(shape.size() + 1, 2.0);
  options.terminal.back() = 8.0;
  const auto target = world_target(world, Criterion::finite, options);
  CriterionChangeOptions to;
  to.criterion = Criterion::finite;
  to.horizon = 6;
  const auto finite = change_criterion(world, target, options, model, to);
  REQUIRE(finite.status == Status::converged);
  REQUIRE(finite.confirmation->error.upper < 1e-8);
  REQUIRE(finite.terminal.back() == 8.0);
  to = {};
  const auto discounted = change_criterion(world, target, options, model, to);
  REQUIRE(discounted.status == Status::converged);
  // Six free steps at the goal, then 8: 8 0.9^6, and L^ = (1 - 0.75) of it.
  REQUIRE(discounted.cost.cost.back() == Approx(0.25 * 8.0 * std::pow(0.9, 6)));
}

TEST_CASE("T3: multichain average worlds give infinite Q* to actions that lose gain") {
  // theory.md, section 0: g* = (1, 10), h* = 0; `go` costs -100 and is wrong.
  MdpBuilder b(2);
  b.row(0, 1.0, "stay").to(0, 1.0);
  b.row(0, -100.0, "go").to(1, 1.0);
  b.row(1, 10.0).to(1, 1.0);
  const Mdp world = b.discount(1.0).build();
  const auto found = change(world, Criterion::average, world.with_discount(0.5), Criterion::discounted);
  REQUIRE(found.status == Status::converged);
  REQUIRE(found.cost.cost[1] == infinity);
  REQUIRE(found.cost.cost[0] == Approx(0.0).margin(1e-9));
}

TEST_CASE(
    "T2', T3: the trap is refused by the undiscounted criteria, with the policy that breaks it, and by no other") {
  const Mdp world = trap(0.9);
  for (const Criterion to : {Criterion::total, Criterion::average}) {
    const auto found = change(world, Criterion::discounted, world, to);
    REQUIRE(found.status == Status::refused);
    REQUIRE(found.message.find("M(c)") != std::string::npos);
    REQUIRE(found.message.find("action go") != std::string::npos);
    REQUIRE(found.boundary->components.size() == 2);
  }
  REQUIRE(change(world, Criterion::discounted, world, Criterion::discounted).status == Status::converged);
  const auto finite = change(world, Criterion::discounted, world.with_discount(1.0), Criterion::finite, 30);
  REQUIRE(finite.status == Status::converged);
  REQUIRE(finite.confirmation->error.upper < 1e-8);
}

TEST_CASE("T3: recurrent worlds shift the undiscounted values by the largest mean of V*") {
  const auto seed = 12U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  int n_shifted = 0;
  for (int trial = 0; trial < 40; ++trial) {
    CAPTURE(trial);
    const auto shape = random_shape(random, 5);
    const Mdp world = random_mdp(random, shape, 0.9), model = random_mdp(random, shape, 0.5);
    for (const Criterion to : {Criterion::total, Criterion::average}) {
      const auto found = change(world, Criterion::discounted, model, to);
      CAPTURE(found.message);
      if (found.boundary->holds == Verdict::no) {
        REQUIRE(found.status == Status::refused);
        continue;
      }
      REQUIRE(found.status == Status::converged);
      REQUIRE(found.confirmation->error.upper <= 1e-5);
      n_shifted += std::abs(found.shift.upper) > 0.1 ? 1 : 0;
    }
  }
  REQUIRE(n_shifted > 30);
}

TEST_CASE("T2: a terminal cost that is given changes the last stage only") {
  std::mt19937 random(6);
  const auto shape = random_shape(random, 4);
  const Mdp world = random_mdp(random, shape, 0.9), model = random_mdp(random, shape, 1.0);
  CriterionChangeOptions options;
  options.criterion = Criterion::finite;
  options.horizon = 7;
  options.terminal.assign(shape.size(), 3.0);
  const auto found = change_criterion(world, world_target(world, Criterion::discounted), {}, model, options);
  REQUIRE(found.status == Status::converged);
  REQUIRE(found.confirmation->error.upper < 1e-7);
  REQUIRE(found.cost_by_stage[0] == found.cost_by_stage[5]);
  REQUIRE(found.cost_by_stage[5] != found.cost_by_stage[6]);
}

TEST_CASE("T3: what refuses a cell") {
  std::mt19937 random(2);
  const std::vector<int> shape{2, 1};
  const Mdp world = filled(random, shape, 0.9);
  const auto message = [](const CriterionChange& found) {
    REQUIRE(found.status == Status::refused);
    return found.message;
  };
  REQUIRE(message(change(world, Criterion::finite, world, Criterion::finite, 7)).find("7 stages, the world 6") !=
          std::string::npos);
  REQUIRE(message(change(trap(0.9), Criterion::discounted, trap(0.9), Criterion::goal))
              .find("neither the model nor the world has a goal") != std::string::npos);
  MdpBuilder gains(2);
  gains.row(0, -1.0).to(0, 1.0);
  gains.row(1, 0.0).to(1, 1.0);
  const Mdp unbounded = gains.discount(1.0).build();
  REQUIRE(
      message(change(unbounded, Criterion::total, unbounded.with_discount(0.5), Criterion::discounted)).find("-inf") !=
      std::string::npos);
  // A model that never comes to its goal: no proper policy without advantage.
  MdpBuilder loops(3);
  loops.row(0, 0.0).to(1, 1.0);
  loops.row(0, 0.0).to(1, 1.0);
  loops.row(1, 0.0).to(0, 1.0);
  loops.goal(2);
  REQUIRE(
      message(change(world, Criterion::discounted, loops.build(), Criterion::goal)).find("no zero-advantage policy") !=
      std::string::npos);
  // Two goals of different value.
  MdpBuilder two(3);
  two.row(0, 1.0).to(1, 0.5).to(2, 0.5);
  two.row(1, 1.0).to(1, 1.0);
  two.row(2, 2.0).to(2, 1.0);
  const Mdp two_world = two.discount(0.5).build();
  MdpBuilder goals(3);
  goals.row(0, 1.0).to(1, 0.5).to(2, 0.5);
  goals.goal(1).goal(2);
  REQUIRE(message(change(two_world, Criterion::discounted, goals.build(), Criterion::goal))
              .find("not the same at all goal") != std::string::npos);
  CriterionChangeOptions options;
  options.criterion = Criterion::finite;
  REQUIRE_THROWS_WITH(change_criterion(world, world_target(world, Criterion::discounted), {}, world, options),
                      Catch::Contains("horizon = -1"));
  options.criterion = Criterion::reach;
  REQUIRE_THROWS_AS(change_criterion(world, world_target(world, Criterion::discounted), {}, world, options),
                    InvalidOption);
  REQUIRE_THROWS_WITH(change(world, Criterion::discounted, world.with_discount(1.0), Criterion::discounted),
                      Catch::Contains("discount is 1"));
}

TEST_CASE("T3, TC(a): violations refuse every criterion with a witness") {
  MdpBuilder b(2);
  b.row(0, 1.0).to(0, 1.0);
  b.row(1, infinity).to(1, 1.0);
  const Mdp world = b.initial(0, 1.0).discount(0.5).build();
  MdpBuilder m(2);
  m.row(0, 0.0).to(1, 1.0);
  m.row(1, 0.0).to(1, 1.0);
  const Mdp model = m.discount(0.5).build();
  for (const Criterion to : all_criteria) {
    CAPTURE(to_string(to));
    const auto found = change(world, Criterion::discounted, model, to);
    REQUIRE(found.status == Status::refused);
    REQUIRE(found.cost.violations.size() == 1);
    REQUIRE(found.message.find("TC(a)") != std::string::npos);
  }
}
