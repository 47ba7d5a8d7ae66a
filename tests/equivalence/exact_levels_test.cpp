// T4': the levels in rationals; an instance for every pair of levels that are not the same; E2 by theorem and by trial.
#include "equivalence/exact_levels.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "equivalence/policy_equivalence.hpp"
#include "libmdp/error.hpp"
#include "tests/equivalence/instances.hpp"
#include "tests/oracles/exact_solver.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using namespace mdp::tests;
using enum EquivalenceLevel;
using io::ExactModel;

namespace {

// An exact model row by row, states in order.
struct Rows {
  ExactModel model;

  explicit Rows(const Rational& discount) {
    model.discount = discount;
    model.state_rows = {0};
  }
  Rows& state() {
    ++model.n_states;
    model.state_rows.push_back(model.state_rows.back());
    return *this;
  }
  Rows& row(const Rational& cost, std::vector<std::pair<std::int64_t, Rational>> to) {
    model.rows.push_back({std::move(to), cost, false, ""});
    ++model.state_rows.back();
    return *this;
  }
  Rows& inadmissible() {
    model.rows.push_back({{{model.n_states - 1, 1}}, 0, true, ""});
    ++model.state_rows.back();
    return *this;
  }
};

ExactModel one_state(const std::vector<Rational>& costs, const Rational& discount) {
  Rows rows(discount);
  rows.state();
  for (const Rational& c : costs) rows.row(c, {{0, 1}});
  return rows.model;
}

LevelsResult check(const ExactModel& world, const ExactModel& model) {
  const Mdp w = io::nearest_mdp(world), m = io::nearest_mdp(model);
  auto result = check_levels(w, solvers::solve(w), m);
  const auto rough = result;
  decide_exactly(w, world, model, {}, result);
  REQUIRE(result.precision == Level::exact);
  for (std::size_t i = 0; i < n_equivalence_levels; ++i) {  // what floating point decided is true
    CAPTURE(i, rough.levels[i].reason, result.levels[i].reason);
    REQUIRE(result.levels[i].holds != Verdict::undecided);
    if (rough.levels[i].holds != Verdict::undecided) REQUIRE(rough.levels[i].holds == result.levels[i].holds);
  }
  // The numbers say what the verdicts say.
  REQUIRE((result[EquivalenceLevel::every_policy].number.lower > 0.0) ==
          (result[EquivalenceLevel::every_policy].holds == Verdict::no));
  const auto& candidate = result.candidate;
  double residual = 0.0;
  for (const double d : candidate.defect.delta) residual = std::max(residual, std::abs(d));
  const bool same_q = result[EquivalenceLevel::same_q].holds == Verdict::yes;
  REQUIRE((candidate.distance.norm.upper == 0.0) == same_q);
  if (candidate.distance.norm.upper < infinity) REQUIRE((residual == 0.0) == same_q);
  if (result[EquivalenceLevel::every_optimal_policy].holds == Verdict::yes) REQUIRE(candidate.max_regret.upper == 0.0);
  if (result[EquivalenceLevel::some_optimal_policy].holds == Verdict::no) REQUIRE(candidate.max_regret.lower > 0.0);
  return result;
}

std::string holding(const LevelsResult& result) {
  std::string words;
  for (std::size_t i = 0; i < n_equivalence_levels; ++i) {
    if (result.levels[i].holds != Verdict::yes) continue;
    if (!words.empty()) words += ' ';
    words += to_string(static_cast<EquivalenceLevel>(i));
  }
  return words;
}

// T4': s0 {free -> s1; stay w.p. p at cost c, else -> s1}, s1 absorbing and free.
ExactModel leak(const Rational& p, const Rational& cost) {
  Rows rows(ratio(9, 10));
  rows.state().row(0, {{1, 1}}).row(cost, {{0, p}, {1, 1 - p}});
  rows.state().row(0, {{1, 1}});
  return rows.model;
}

ExactModel random_exact(std::mt19937& random, const std::vector<int>& shape, const Rational& discount) {
  Rows rows(discount);
  const int n = static_cast<int>(shape.size());
  for (const int n_actions : shape) {
    rows.state();
    for (int a = 0; a < n_actions; ++a) {
      std::vector<std::pair<std::int64_t, Rational>> to;
      const int n_next = draw(random, 1, 2);
      const int first = draw(random, 0, n - 1), second = draw(random, 0, n - 1);
      if (n_next == 1 || first == second) {
        to.emplace_back(first, 1);
      } else {
        const Rational p = ratio(draw(random, 1, 4), 5);
        to.emplace_back(std::min(first, second), p);
        to.emplace_back(std::max(first, second), 1 - p);
      }
      rows.row(draw(random, -3, 3), std::move(to));
    }
  }
  return rows.model;
}

// Whether V^pi = V^^pi for many random policies, mixed and pure.
bool agree_on_trials(std::mt19937& random, const ExactModel& world, const ExactModel& model) {
  for (int trial = 0; trial < 30; ++trial) {
    std::vector<Rational> policy(world.rows.size(), 0);
    for (std::int64_t s = 0; s < world.n_states; ++s) {
      const auto first = world.state_rows[s], n = world.state_rows[s + 1] - first;
      for (std::int64_t a = 0; a < n; ++a)
        policy[first + a] = trial % 2 == 0 ? Rational(draw(random, 1, 50)) : Rational(0);
      if (trial % 2 == 1) policy[first + static_cast<std::int64_t>(random() % static_cast<unsigned>(n))] = 1;
    }
    if (oracles::policy_values(world, policy) != oracles::policy_values(model, policy)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("T4': an instance for every pair of levels that are not the same") {
  const Rational half = ratio(1, 2), nine_tenths = ratio(9, 10);
  SECTION("E0 implies everything") {
    REQUIRE(holding(check(leak(half, 1), leak(half, 1))) == "E0 E2 E3 E4 E5 E6 E6-some");
  }
  SECTION("E2 and E3 without E0: a single action, another way to the same value") {
    const auto result = check(one_state({1}, half), one_state({ratio(1, 5)}, nine_tenths));
    REQUIRE(holding(result) == "E2 E3 E4 E5 E6 E6-some");
    REQUIRE(result.lowest() == "E2");
    REQUIRE(result.maximal() == std::vector<EquivalenceLevel>{every_policy, same_q});
  }
  SECTION("E3 without E2: the equivalent cost of T1") {
    // World: V* = 0, A* = (0, 1). Model with discount 1/2: L^ = Q* - V*/2 = (0, 1); mixtures pay less for ever.
    const auto result = check(one_state({0, 1}, nine_tenths), one_state({0, 1}, half));
    REQUIRE(holding(result) == "E3 E4 E5 E6 E6-some");
    REQUIRE(result.lowest() == "E3");
  }
  SECTION("E2 without E4: theory.md's L^ = 5 L") {
    const auto result = check(one_state({0, 1}, nine_tenths), one_state({0, 5}, half));
    REQUIRE(holding(result) == "E2 E5 E6 E6-some");
    REQUIRE(result.lowest() == "E2");
    REQUIRE(result[same_advantage].action == 1);
    REQUIRE(result.slack[1] == 4.0);
  }
  SECTION("E4 without E3: values shifted by a constant") {
    const auto result = check(one_state({0, 1}, half), one_state({1, 2}, half));
    REQUIRE(holding(result) == "E4 E5 E6 E6-some");
    REQUIRE(result.potential[0] == 2.0);
  }
  SECTION("E5 without E4 or E2") {
    const auto result = check(one_state({0, 1, 1}, half), one_state({0, 1, 2}, half));
    REQUIRE(holding(result) == "E5 E6 E6-some");
    REQUIRE(result[every_policy].state == 0);
    REQUIRE(result[every_policy].policy.size() == 3);
  }
  SECTION("E6 (every) without E5: a tie of the world is broken") {
    const auto result = check(one_state({0, 0}, half), one_state({0, 1}, half));
    REQUIRE(holding(result) == "E6 E6-some");
    REQUIRE(result.lowest() == "E6");
    REQUIRE(result[same_optimal_sets].action == 1);
  }
  SECTION("E6 (some) without E6 (every): a tie that the world does not have") {
    const auto result = check(one_state({0, 1}, half), one_state({0, 0}, half));
    REQUIRE(holding(result) == "E6-some");
    REQUIRE(result.lowest() == "none");
    REQUIRE(result[every_optimal_policy].action == 1);
  }
  SECTION("nothing") { REQUIRE(holding(check(one_state({0, 1}, half), one_state({1, 0}, half))).empty()); }
  SECTION("a difference of 1e-30 is seen") {
    const Rational tiny = 1 / Rational("1000000000000000000000000000000");
    REQUIRE(holding(check(one_state({0, 1}, half), one_state({0, 1 + tiny}, half))) == "E5 E6 E6-some");
  }
}

TEST_CASE("T4': the numbers beside exact verdicts are exact") {
  // The world works for 1/3 or rests for 1; the model has it the other way round: Q* = (2/3, 4/3), Q^* = (4/3, 2/3), and resting for ever loses 4/3.
  const auto found =
      check(one_state({Rational(1, 3), 1}, Rational(1, 2)), one_state({1, Rational(1, 3)}, Rational(1, 2)));
  CHECK(found.candidate.distance.norm.lower <= 2.0 / 3.0);
  CHECK(found.candidate.distance.norm.upper == Approx(2.0 / 3.0).epsilon(1e-15));
  CHECK(found.candidate.regret[0] == 4.0 / 3.0);
  CHECK(found.candidate.defect.delta == std::vector<double>{2.0 / 3.0, -2.0 / 3.0});
}

TEST_CASE("T4': deterministic policies alone test less than E2") {
  // Stay w.p. 1/2 at cost 1 against w.p. 1/5 at cost 0.82/0.55: the same value when always taken, not at a mixture.
  const auto world = leak(ratio(1, 2), 1), model = leak(ratio(1, 5), ratio(82, 55));
  for (const Policy& policy : {Policy{0, 0}, Policy{1, 0}}) {
    REQUIRE(oracles::policy_values(world, policy) == oracles::policy_values(model, policy));
  }
  const auto result = decide_policy_equivalence(world, model);
  REQUIRE(result.holds == Verdict::no);
  REQUIRE(result.state == 0);
  const std::vector<Rational> weights(result.weights.begin(), result.weights.end());
  REQUIRE(oracles::policy_values(world, weights) != oracles::policy_values(model, weights));
}

TEST_CASE("T4', E2: Delta constant gives E4, Delta of the state alone does not even give E5") {
  // s0 {to s1; to s2}, s1 and s2 absorbing. World: all costs 0 but 1 for going to s2.
  const auto make = [](const Rational& at_0, const Rational& at_1, const Rational& at_2) {
    Rows rows(ratio(1, 2));
    rows.state().row(at_0, {{1, 1}}).row(at_0 + 1, {{2, 1}});
    rows.state().row(at_1, {{1, 1}});
    rows.state().row(at_2, {{2, 1}});
    return rows.model;
  };
  REQUIRE(check(make(0, 0, 0), make(7, 7, 7)).lowest() == "E4");
  const auto result = check(make(0, 0, 0), make(0, 5, 0));
  REQUIRE(result.lowest() == "none");
  REQUIRE(result[some_optimal_policy].holds == Verdict::no);
}

TEST_CASE("T4', E2: the decision agrees with random policies, and its witnesses differ") {
  const auto seed = 3U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  int n_yes = 0, n_no = 0, n_indifferent = 0;
  for (int trial = 0; trial < 250; ++trial) {
    CAPTURE(trial);
    const auto shape = random_shape(random, 4);
    auto world = random_exact(random, shape, ratio(4, 5));
    if (trial % 4 == 0) {
      for (auto& row : world.rows) row.cost = 0;  // every state is indifferent
    }
    auto model = trial % 2 == 0 ? random_exact(random, shape, trial % 4 == 0 ? ratio(1, 3) : ratio(4, 5)) : world;
    if (trial % 4 == 0) {
      for (auto& row : model.rows) row.cost = 0;
    }
    if (trial % 8 == 1) model.rows[random() % model.rows.size()].cost += 1;
    const auto result = decide_policy_equivalence(world, model);
    REQUIRE(result.holds != Verdict::undecided);
    const bool agree = agree_on_trials(random, world, model);
    if (result.holds == Verdict::yes) {
      ++n_yes;
      n_indifferent += result.n_indifferent > 0 ? 1 : 0;
      REQUIRE(agree);
      continue;
    }
    ++n_no;
    const std::vector<Rational> weights(result.weights.begin(), result.weights.end());
    const auto v = oracles::policy_values(world, weights), w = oracles::policy_values(model, weights);
    REQUIRE(v[static_cast<std::size_t>(result.state)] != w[static_cast<std::size_t>(result.state)]);
  }
  REQUIRE(n_yes > 50);
  REQUIRE(n_no > 50);
  REQUIRE(n_indifferent > 20);
}

TEST_CASE("T4', E2: equivalence hidden behind states whose actions never matter") {
  // s0 chooses between s1 (cost 0) and s2 (cost 1); s1, s2 each pass by one of two equal ways. In the model s0 goes through another,
  // indifferent, state to the same place: the rows are no multiples of the world's, the reduced ones are.
  const auto make = [](std::int64_t via, const Rational& cost) {
    Rows rows(ratio(1, 2));
    rows.state().row(0, {{via, 1}}).row(cost, {{2, 1}});
    rows.state().row(0, {{3, 1}}).row(0, {{3, 1}});
    rows.state().row(0, {{3, 1}}).row(0, {{1, 1}});
    rows.state().row(0, {{3, 1}});
    return rows.model;
  };
  const auto result = decide_policy_equivalence(make(1, 1), make(3, 1));
  REQUIRE(result.holds == Verdict::yes);
  REQUIRE(result.n_indifferent == 3);
  // The model at half the speed: kappa = 1/2 in every state, gamma^ = 3/4.
  auto slow = make(3, 1);
  slow.discount = ratio(3, 4);
  for (std::int64_t s = 0; s < slow.n_states; ++s) {
    for (auto r = slow.state_rows[s]; r < slow.state_rows[s + 1]; ++r) {
      auto& row = slow.rows[static_cast<std::size_t>(r)];
      row.cost /= 2;
      if (row.to.front().first == s) continue;
      row.to = {{s, ratio(2, 3)}, {row.to.front().first, ratio(1, 3)}};
      std::sort(row.to.begin(), row.to.end());
    }
  }
  const auto slowed = decide_policy_equivalence(make(1, 1), slow);
  REQUIRE(slowed.holds == Verdict::yes);
  REQUIRE(slowed.n_indifferent == 3);
  // With a cost that depends on the way, the state matters, and the same change is seen.
  auto world = make(1, 1), model = make(3, 1);
  world.rows[3].cost = model.rows[3].cost = 2;
  REQUIRE(decide_policy_equivalence(world, model).holds == Verdict::no);
}

TEST_CASE("T4', E2: a self-loop that slows a state down keeps the values of every policy") {
  // kappa_s f_s with discount gamma^: V(s) = L + gamma P V times kappa; here all rows of s0 get the same holding probability.
  Rows world(ratio(1, 2)), model(ratio(1, 2));
  world.state().row(1, {{1, 1}}).row(3, {{0, ratio(1, 2)}, {1, ratio(1, 2)}});
  world.state().row(2, {{1, 1}});
  // f_a = (1, -1/2 | 1), (3/4, -1/4 | 3). kappa = 4/5 needs row sums 1 - kappa + kappa gamma = 3/5: not 1/2, so P^ cannot; with
  // another discount it can: gamma^ = 3/5, and s1 then has kappa = 4/5 too.
  model.model.discount = ratio(3, 5);
  model.state().row(ratio(4, 5), {{0, ratio(1, 3)}, {1, ratio(2, 3)}});
  model.row(ratio(12, 5), {{0, ratio(2, 3)}, {1, ratio(1, 3)}});
  model.state().row(ratio(8, 5), {{1, 1}});
  const auto result = check(world.model, model.model);
  REQUIRE(result[every_policy].holds == Verdict::yes);
  REQUIRE(result[same_q].holds == Verdict::no);
}

TEST_CASE("T4', E2: inadmissible pairs") {
  const Rational half = ratio(1, 2);
  const auto make = [&](std::vector<std::pair<std::int64_t, Rational>> first,
                        std::vector<std::pair<std::int64_t, Rational>> second) {
    Rows rows(half);
    rows.state().row(0, std::move(first)).row(1, std::move(second));
    rows.state().row(0, {{1, 1}}).inadmissible();
    rows.state().row(0, {{2, 1}});
    return rows.model;
  };
  const auto through = make({{1, 1}}, {{2, 1}});
  REQUIRE(decide_policy_equivalence(through, through).holds == Verdict::yes);
  // V = 0 in s1 and s2 alike, but only s1 can be infinite.
  const auto around = make({{2, 1}}, {{2, 1}});
  const auto result = decide_policy_equivalence(through, around);
  REQUIRE(result.holds == Verdict::no);
  const std::vector<Rational> weights(result.weights.begin(), result.weights.end());
  REQUIRE(oracles::policy_values(through, weights)[static_cast<std::size_t>(result.state)] !=
          oracles::policy_values(around, weights)[static_cast<std::size_t>(result.state)]);
  // Half the way is as infinite as all of it.
  REQUIRE(decide_policy_equivalence(through, make({{1, half}, {2, half}}, {{2, 1}})).holds == Verdict::yes);
  // A pair that no policy can afford.
  auto dead = through;
  dead.rows[0].inadmissible = true;
  REQUIRE(decide_policy_equivalence(through, dead).holds == Verdict::no);
}

TEST_CASE("T4', E2: policies that meet inadmissible pairs, against all deterministic ones") {
  std::mt19937 random(11);
  int n_yes = 0, n_no = 0;
  for (int trial = 0; trial < 400; ++trial) {
    CAPTURE(trial);
    const int n = tests::draw(random, 3, 5);
    Rows world(ratio(1, 2)), model(ratio(1, 2));
    const auto subset = [&] {
      std::vector<std::pair<std::int64_t, Rational>> to;
      const int size = tests::draw(random, 1, 2);
      for (int i = 0; i < size; ++i) {
        const auto next = tests::draw(random, 0, n - 1);
        if (to.empty() || to[0].first != next) to.emplace_back(next, ratio(1, size));
      }
      if (to.size() == 1) to[0].second = 1;
      std::sort(to.begin(), to.end());
      return to;
    };
    std::vector<std::int64_t> n_rows;
    for (int s = 0; s < n; ++s) {
      world.state(), model.state();
      const int actions = tests::draw(random, 1, 2);
      for (int a = 0; a < actions; ++a) {
        auto to = subset();
        world.row(0, to);
        model.row(0, tests::draw(random, 0, 3) == 0 ? subset() : to);
      }
      const bool bad = tests::draw(random, 0, n - 1) == 0;
      if (bad) world.inadmissible(), model.inadmissible();
      n_rows.push_back(actions + (bad ? 1 : 0));
    }
    const auto result = decide_policy_equivalence(world.model, model.model);
    REQUIRE(result.holds != Verdict::undecided);
    bool same = true;
    std::vector<std::int64_t> choice(n_rows.size(), 0);
    for (bool more = true; more;) {
      std::vector<Rational> weights(world.model.rows.size(), 0);
      for (std::size_t s = 0; s < choice.size(); ++s) {
        weights[static_cast<std::size_t>(world.model.state_rows[s] + choice[s])] = 1;
      }
      same = same && oracles::policy_values(world.model, weights) == oracles::policy_values(model.model, weights);
      std::size_t s = 0;
      while (s < choice.size() && ++choice[s] == n_rows[s]) choice[s++] = 0;
      more = s < choice.size();
    }
    REQUIRE(same == (result.holds == Verdict::yes));  // costs are 0: only infinities can differ
    ++(same ? n_yes : n_no);
    if (same) continue;
    const std::vector<Rational> weights(result.weights.begin(), result.weights.end());
    REQUIRE(oracles::policy_values(world.model, weights)[static_cast<std::size_t>(result.state)] !=
            oracles::policy_values(model.model, weights)[static_cast<std::size_t>(result.state)]);
  }
  REQUIRE(n_yes > 50);
  REQUIRE(n_no > 50);
}

// docs/levels.md: clauses of a formula against a path through its variables; a difference is a satisfying assignment.
TEST_CASE("T4', E2: satisfiability of formulas, decided at once for hundreds of states") {
  std::mt19937 random(12);
  const auto formula_pair = [&](int n_variables, const std::vector<std::array<int, 3>>& clauses) {
    // State 0; variables 1..n; literals: n + 1 + 2 v (+ 1: negated); the clauses; the last, where the path ends.
    const std::int64_t n_clauses = static_cast<std::int64_t>(clauses.size()), first = 3 * n_variables + 1;
    const auto literal = [&](int v, bool negated) { return std::int64_t{n_variables + 1 + 2 * v + (negated ? 1 : 0)}; };
    Rows rows(ratio(1, 2));
    std::vector<std::pair<std::int64_t, Rational>> to;
    for (std::int64_t c = 0; c < n_clauses; ++c) to.emplace_back(first + c, ratio(1, n_clauses));
    rows.state().row(0, to);
    for (int v = 0; v < n_variables; ++v) {
      rows.state().row(0, {{literal(v, false), 1}}).row(0, {{literal(v, true), 1}});
    }
    for (int v = 0; v < n_variables; ++v) {
      const std::int64_t next = v + 1 < n_variables ? v + 2 : first + n_clauses;
      for (const bool negated : {false, true}) {
        rows.state().row(0, {{next, 1}}).row(0, {{literal(v, negated), 1}});
      }
    }
    for (const auto& clause : clauses) {
      rows.state();
      for (const int signed_variable : clause) {
        rows.row(0, {{literal(std::abs(signed_variable) - 1, signed_variable < 0), 1}});
      }
    }
    rows.state().row(0, {{first + n_clauses, 1}}).inadmissible();
    auto world = rows.model, model = rows.model;
    world.rows[0].to.clear();
    world.rows[0].to.emplace_back(1, ratio(1, n_clauses + 1));
    for (std::int64_t c = 0; c < n_clauses; ++c) world.rows[0].to.emplace_back(first + c, ratio(1, n_clauses + 1));
    return std::pair{world, model};
  };
  const auto draw_clauses = [&](int n_variables, int n_clauses) {
    std::vector<std::array<int, 3>> clauses(static_cast<std::size_t>(n_clauses));
    for (auto& clause : clauses) {
      for (int& l : clause) l = tests::draw(random, 1, n_variables) * (tests::draw(random, 0, 1) == 0 ? 1 : -1);
    }
    return clauses;
  };
  int n_satisfiable = 0;
  for (int trial = 0; trial < 40; ++trial) {
    CAPTURE(trial);
    const auto clauses = draw_clauses(4, tests::draw(random, 10, 30));
    bool satisfiable = false;
    for (int bits = 0; bits < 16; ++bits) {
      satisfiable = satisfiable || std::all_of(clauses.begin(), clauses.end(), [bits](const auto& clause) {
                      return std::any_of(clause.begin(), clause.end(), [bits](int l) {
                        return ((bits >> (std::abs(l) - 1)) & 1) == (l > 0 ? 1 : 0);
                      });
                    });
    }
    n_satisfiable += satisfiable ? 1 : 0;
    const auto [world, model] = formula_pair(4, clauses);
    REQUIRE(decide_policy_equivalence(world, model).holds == (satisfiable ? Verdict::no : Verdict::yes));
  }
  REQUIRE(n_satisfiable > 5);
  REQUIRE(n_satisfiable < 35);
  const auto clauses = draw_clauses(60, 290);  // some 470 states, more clauses than such formulas can meet
  const auto [world, model] = formula_pair(60, clauses);
  REQUIRE(decide_policy_equivalence(world, model).holds == Verdict::yes);
  REQUIRE(decide_policy_equivalence(world, model, 1e-9).holds == Verdict::undecided);
}

TEST_CASE("Exact levels: states of infinite value, and limits") {
  Rows world(ratio(1, 2)), model(ratio(1, 2));
  world.state().row(0, {{0, 1}}).row(1, {{1, 1}});
  world.state().inadmissible();
  model.state().row(0, {{0, 1}}).row(2, {{1, 1}});
  model.state().inadmissible();
  REQUIRE(check(world.model, model.model).lowest() == "E2");  // going is infinite in both
  REQUIRE(check(world.model, world.model).lowest() == "E0");
  model.model.rows[2].inadmissible = false;  // the pit is harmless
  const auto result = check(world.model, model.model);
  REQUIRE(result[same_advantage].holds == Verdict::no);
  REQUIRE(result[same_optimal_sets].holds == Verdict::yes);
  REQUIRE_THROWS_AS(check(world.model, one_state({0}, 1)), InvalidArgument);
}
