// T4': the levels of equivalence in floating point, against exact rationals.
#include "equivalence/levels.hpp"

#include <random>

#include <catch2/catch.hpp>

#include "equivalence/equivalent_cost.hpp"
#include "libmdp/error.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using namespace mdp::tests;
using enum EquivalenceLevel;

namespace {

// The truth of E3 to E6 from exact Q*.
struct Truth {
  bool same_q = true, same_advantage = true, same_sets = true, every = true, some = true;

  Truth(const Mdp& world, const ExactSolution& w, const ExactSolution& m) {
    for (State s = 0; s < world.n_states(); ++s) {
      bool common = false;
      const auto first = static_cast<std::size_t>(world.state_rows()[static_cast<std::size_t>(s)]);
      for (std::size_t r = first; r < first + static_cast<std::size_t>(world.n_actions(s)); ++r) {
        const Rational aw = w.q[r] - w.values[static_cast<std::size_t>(s)];
        const Rational am = m.q[r] - m.values[static_cast<std::size_t>(s)];
        same_q = same_q && w.q[r] == m.q[r];
        same_advantage = same_advantage && aw == am;
        same_sets = same_sets && (aw == 0) == (am == 0);
        every = every && (am != 0 || aw == 0);
        common = common || (am == 0 && aw == 0);
      }
      some = some && common;
    }
  }
};

void require_honest(const LevelVerdict& verdict, bool truth) {
  CAPTURE(verdict.reason);
  if (verdict.holds == Verdict::yes) REQUIRE(truth);
  if (verdict.holds == Verdict::no) REQUIRE_FALSE(truth);
}

LevelsResult check(const Mdp& world, const Mdp& model) { return check_levels(world, solvers::solve(world), model); }

// One state; costs of its actions, all self-loops.
Mdp one_state(std::vector<double> costs, double gamma) {
  MdpBuilder b(1);
  for (const double c : costs) b.row(0, c).to(0, 1.0);
  return b.discount(Discount(gamma)).build();
}

}  // namespace

TEST_CASE("T4': every verdict is the truth, and undecided only on equalities and ties") {
  const auto seed = 5U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  int n_unlike = 0, n_alike = 0;
  for (int trial = 0; trial < 300; ++trial) {
    CAPTURE(trial);
    const auto shape = random_shape(random, 5);
    const Mdp world = random_mdp(random, shape, 0.9);
    Mdp model = random_mdp(random, shape, random() % 2 == 0 ? 0.5 : 0.99);
    if (trial % 3 == 0) {  // near the world: its cost made equivalent, then changed at one pair
      const auto carried = *equivalent_cost(world, solvers::solve(world), model).model;
      Buffer<double> cost(carried.cost().begin(), carried.cost().end());
      cost[random() % cost.size()] += trial % 2 == 0 ? 0.125 : 0.0;
      model = carried.with_cost(std::move(cost));
    }
    const auto in_world = solve_exactly(world), in_model = solve_exactly(model);
    const Truth truth(world, in_world, in_model);

    const auto result = check(world, model);

    REQUIRE(result.status == Status::converged);
    require_honest(result[same_q], truth.same_q);
    require_honest(result[same_advantage], truth.same_advantage);
    require_honest(result[same_optimal_sets], truth.same_sets);
    require_honest(result[every_optimal_policy], truth.every);
    require_honest(result[some_optimal_policy], truth.some);
    REQUIRE(result[same_mdp].holds == Verdict::no);
    REQUIRE(result[every_policy].holds != Verdict::yes);
    // The certified interval of the deciding number contains the number, and decides unless it contains 0.
    const Rational error = distance(in_world.q, in_model.q);
    REQUIRE(Rational(result[same_q].number.lower) <= error);
    REQUIRE(error <= Rational(result[same_q].number.upper));
    REQUIRE((result[same_q].holds == Verdict::no) == (result[same_q].number.lower > 0.0));
    ++(truth.every ? n_alike : n_unlike);
    for (State s = 0; s < world.n_states(); ++s) {
      const auto i = static_cast<std::size_t>(s);
      const Rational phi = in_model.values[i] - in_world.values[i];
      REQUIRE(std::abs(result.potential[i] - phi.get_d()) <= 1e-8 * (1.0 + std::abs(phi.get_d())));
    }
  }
  REQUIRE(n_unlike > 50);
  REQUIRE(n_alike > 50);
}

TEST_CASE("T4': a unique optimal action far from ties is confirmed at E5 and E6") {
  const auto result = check(one_state({0.0, 1.0}, 0.9), one_state({0.0, 3.0}, 0.5));
  REQUIRE(result[same_advantage].holds == Verdict::no);
  REQUIRE(result[same_advantage].state == 0);
  REQUIRE(result[same_advantage].action == 1);
  REQUIRE(result[same_optimal_sets].holds == Verdict::yes);
  REQUIRE(result.lowest() == "E5");
  REQUIRE(result.maximal() == std::vector<EquivalenceLevel>{same_optimal_sets});
  REQUIRE(result.slack[1] == Approx(2.0));  // eta = A^ - A = 3 - 1
}

TEST_CASE("T4': a possible tie of the world leaves E6 open, one of the model too") {
  const auto world_tie = check(one_state({0.0, 0.0}, 0.5), one_state({0.0, 1.0}, 0.5));
  REQUIRE(world_tie[every_optimal_policy].holds == Verdict::undecided);
  REQUIRE(world_tie[some_optimal_policy].holds == Verdict::undecided);
  const auto model_tie = check(one_state({0.0, 1.0}, 0.5), one_state({0.0, 0.0}, 0.5));
  REQUIRE(model_tie[every_optimal_policy].holds == Verdict::undecided);
  REQUIRE(model_tie[same_optimal_sets].holds == Verdict::undecided);
  for (const auto& open : {world_tie[every_optimal_policy], model_tie[every_optimal_policy]}) {
    CHECK(open.number.lower == 0.0);
    CHECK((open.number.upper > 0.0 && open.number.upper < 1e-8));
  }
  CHECK(model_tie[same_advantage].holds == Verdict::no);
  CHECK(check(one_state({0.0, 1.0}, 0.5), one_state({1.0, 0.0}, 0.5))[same_optimal_sets].number.lower < 0.0);
}

TEST_CASE("T4': the witness of a lost decision is the pair that the model prefers") {
  const auto result = check(one_state({0.0, 1.0}, 0.9), one_state({1.0, 0.0}, 0.9));
  for (const auto level : {same_optimal_sets, every_optimal_policy}) {
    REQUIRE(result[level].holds == Verdict::no);
    REQUIRE(result[level].state == 0);
    REQUIRE(result[level].action == 1);
  }
  REQUIRE(result[some_optimal_policy].holds == Verdict::no);
  REQUIRE(result.lowest() == "none");
  REQUIRE(result.candidate.max_regret.lower == Approx(10.0));
}

TEST_CASE("T4': inadmissible pairs must match") {
  const auto result = check(one_state({0.0, 1.0}, 0.9), one_state({0.0, infinity}, 0.9));
  REQUIRE(result[same_q].holds == Verdict::no);
  REQUIRE(result[same_advantage].holds == Verdict::no);
  REQUIRE(result[every_policy].holds == Verdict::no);
  REQUIRE(result[same_optimal_sets].holds == Verdict::yes);
  const auto same = check(one_state({0.0, infinity}, 0.9), one_state({0.0, infinity}, 0.9));
  REQUIRE(same[same_q].holds == Verdict::undecided);
  REQUIRE(same[same_q].number.upper < 1e-12);
}

TEST_CASE("Levels: misuse is refused by name") {
  REQUIRE_THROWS_WITH(check(one_state({0.0, 1.0}, 0.9), one_state({0.0, 1.0}, 1.0)), Catch::Contains("discount is 1"));
  REQUIRE_THROWS_WITH(check(one_state({0.0, 1.0}, 0.9), one_state({0.0}, 0.9)),
                      Catch::Contains("2 actions in the world, 1"));
  REQUIRE_THROWS_WITH(equivalence_level_from_string("E1"), Catch::Contains("there is no E1"));
  REQUIRE(equivalence_level_from_string("E6-every") == every_optimal_policy);
  for (std::size_t i = 0; i < n_equivalence_levels; ++i) {
    const auto level = static_cast<EquivalenceLevel>(i);
    REQUIRE(equivalence_level_from_string(to_string(level)) == level);
  }
}
