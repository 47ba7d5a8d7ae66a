// T1, T2, T2', TC: the equivalent cost against exact rationals and hand-made traps.
#include "equivalence/equivalent_cost.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/planted.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using namespace mdp::tests;

namespace {

// Q* - gamma^ P^ V* in rationals: T1 as it stands in the theory.
std::vector<Rational> t1_cost(const ExactSolution& world, const io::ExactModel& model) {
  std::vector<Rational> cost;
  for (std::size_t row = 0; row < model.rows.size(); ++row) {
    Rational expectation = 0;
    for (const auto& [next, p] : model.rows[row].to) expectation += p * world.values[static_cast<std::size_t>(next)];
    cost.push_back(world.q[row] - model.discount * expectation);
  }
  return cost;
}

struct Pair {
  Mdp world, model;
};

Pair random_pair(std::mt19937& random) {
  const double discounts[] = {0.0, 0.3, 0.9, 0.99, 1.0 - 0x1p-20};
  const auto shape = random_shape(random, 5);
  const double gamma = discounts[random() % 5];
  const double gamma_model = discounts[random() % 5];
  return {random_mdp(random, shape, gamma), random_mdp(random, shape, gamma_model)};
}

}  // namespace

TEST_CASE("T1: the exact solution of the model with L^ is Q*, for any rho^ and gamma^, within the promised bounds") {
  const auto seed = 20261123U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 150; ++trial) {
    CAPTURE(trial);
    const auto [world, model] = random_pair(random);
    const auto solution = solve_exactly(world);
    const auto expected = t1_cost(solution, exact_model_of(model));
    const Known known(solution.values);

    const auto result = equivalent_cost(world, known.view(), model);

    REQUIRE(result.status == Status::converged);
    REQUIRE(result.scope == Scope::all_pairs);
    REQUIRE(result.level == Level::certified);
    Rational largest_q = 0, largest_v = 0;
    for (const auto& q : solution.q) largest_q = std::max(largest_q, Rational(abs(q)));
    for (const auto& v : solution.values) largest_v = std::max(largest_v, Rational(abs(v)));
    for (std::size_t row = 0; row < expected.size(); ++row) {
      REQUIRE(abs(Rational(result.cost[row]) - expected[row]) <= Rational(result.cost_error_bound));
      REQUIRE(abs(Rational(result.q[row]) - solution.q[row]) <= Rational(4 * unit_roundoff) * (largest_q + largest_v));
    }
    // As sharp as V*, which is known to an ulp, and not amplified by 1/(1 - gamma^).
    REQUIRE(Rational(result.cost_error_bound) <= Rational(16 * unit_roundoff) * (largest_q + largest_v + 1));
    const auto solved = solve_exactly(*result.model);
    const Rational error = distance(solved.q, solution.q);
    REQUIRE(error <= Rational(result.q_error_bound));
    REQUIRE(Rational(result.q_error_bound) <= Rational(8 * unit_roundoff) * (largest_q + largest_v + 1));
  }
}

TEST_CASE("T1 holds exactly in rationals, and its cost is the only one") {
  const auto seed = 7U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 30; ++trial) {
    const auto [world, model] = random_pair(random);
    const auto solution = solve_exactly(world);
    auto carried = exact_model_of(model);
    const auto cost = t1_cost(solution, carried);
    for (std::size_t row = 0; row < cost.size(); ++row) carried.rows[row].cost = cost[row];
    REQUIRE(solve_exactly(carried).q == solution.q);
    carried.rows[random() % carried.rows.size()].cost += Rational(1, 1000);
    REQUIRE(solve_exactly(carried).q != solution.q);
  }
}

TEST_CASE("T1 with values known to 1e-3 only: the bounds hold, and the error is gamma times that of V") {
  const auto seed = 11U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 60; ++trial) {
    const auto shape = random_shape(random, 5);
    const Mdp world = random_mdp(random, shape, 0.9);
    const Mdp model = random_mdp(random, shape, 0.999);
    const auto solution = solve_exactly(world);
    const double blur = 1e-3;
    Known known(solution.values, 2.0 * blur);
    for (double& v : known.values) v += blur * draw(random, -100, 100) / 100.0;

    const auto result = equivalent_cost(world, known.view(), model);

    const auto expected = t1_cost(solution, exact_model_of(model));
    for (std::size_t row = 0; row < expected.size(); ++row) {
      REQUIRE(abs(Rational(result.cost[row]) - expected[row]) <= Rational(result.cost_error_bound));
    }
    const auto solved = solve_exactly(*result.model);
    REQUIRE(distance(solved.q, solution.q) <= Rational(result.q_error_bound));
    // blur is 1e-3 around values that are 1e-3 off: the radius is at most 3e-3.
    REQUIRE(result.q_error_bound <= 0.9 * 3e-3 * 1.001);
    REQUIRE(distance(solved.q, solution.q) <= Rational(0.9 * blur * 1.001));
  }
}

TEST_CASE("T1: the error bounds are attained") {
  // World 0 -> 1, model 0 -> 2; V is 1 too high in state 1, 1 too low in state 2, which stays where it is.
  const auto from_0_to = [](int next, double gamma) {
    MdpBuilder b(3);
    b.row(0, 0.0).to(next, 1.0);
    b.row(1, 4.0).to(1, 1.0);
    b.row(2, 4.0).to(2, 1.0);
    return b.discount(Discount(gamma)).build();
  };
  const std::vector<double> exact{4.0, 8.0, 8.0}, v{4.0, 9.0, 7.0};
  const auto result = equivalent_cost(from_0_to(1, 0.5), {v, exact, exact}, from_0_to(2, 0.75));
  // L^(0) = Q*(0) - gamma^ V*(2) = 4 - 6; the error is gamma + gamma^ gamma.
  REQUIRE(result.cost[0] + 2.0 == Approx(0.5 + 0.75 * 0.5));
  REQUIRE(result.cost_error_bound == Approx(0.5 + 0.75 * 0.5));
  REQUIRE(result.q[0] - 4.0 == Approx(0.5));
  REQUIRE(result.q_error_bound == Approx(0.5));
}

TEST_CASE("T2: with terminal cost V* every stage has Q*, for gamma^ = 0, 1/2 and 1, N = 30") {
  const auto seed = 3U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const double gamma_model : {0.0, 0.5, 1.0}) {
    const auto shape = random_shape(random, 5);
    const Mdp world = random_mdp(random, shape, 0.9);
    const auto solution = solve_exactly(world);
    const Known known(solution.values);
    const auto result = equivalent_cost(world, known.view(), random_mdp(random, shape, gamma_model));
    REQUIRE(result.scope == (gamma_model == 1.0 ? Scope::finite_horizon : Scope::all_pairs));

    const auto carried = exact_model_of(*result.model);
    auto v = solution.values;
    for (int stage = 29; stage >= 0; --stage) {
      const auto q = exact_q(carried, v);
      // Each stage adds the error of L^ once more.
      REQUIRE(distance(q, solution.q) <= Rational(result.cost_error_bound * (30 - stage)));
      for (std::size_t s = 0; s < v.size(); ++s) {
        const auto first = q.begin() + carried.state_rows[s];
        v[s] = *std::min_element(first, q.begin() + carried.state_rows[s + 1]);
      }
    }
  }
}

TEST_CASE(
    "T2': at gamma^ = 1 without a terminal cost the answer is refused, and the undiscounted sum is indeed wrong") {
  MdpBuilder builder(2);
  builder.row(0, 0.5, "stay").to(0, 1.0);
  builder.row(0, 0.0, "go").to(1, 1.0);
  builder.row(1, 1.0).to(1, 1.0);
  const Mdp world = builder.discount(Discount(0.9)).build();
  const auto solution = solve_exactly(world);
  const Known known(solution.values);
  REQUIRE(known.values[0] == Approx(5.0));
  REQUIRE(known.values[1] == Approx(10.0));

  const auto result = equivalent_cost(world, known.view(), world.with_discount(1.0));

  REQUIRE(result.status == Status::refused);
  REQUIRE(result.scope == Scope::finite_horizon);
  REQUIRE(std::isnan(result.q_error_bound));
  REQUIRE(result.message.find("T2'") != std::string::npos);
  // L^ = (0, 9 - 10, 0): going once costs -1 and nothing afterwards, so that the undiscounted sum prefers it.
  REQUIRE(result.cost[0] == Approx(0.0).margin(1e-14));
  REQUIRE(result.cost[1] == Approx(-1.0));
  REQUIRE(result.cost[2] == Approx(0.0).margin(1e-14));
  REQUIRE(solution.q[0] < solution.q[1]);
}

TEST_CASE("TC(a): a model that leaves the feasible set is refused with a shortest witness path") {
  // World: 0 -> {1, 2}; 1 -> 1 free; 3 is dead (its only action is inadmissible).
  MdpBuilder in_world(4);
  in_world.row(0, 1.0, "a").to(1, 1.0);
  in_world.row(0, 2.0, "b").to(2, 1.0);
  in_world.row(1, 0.0, "stay").to(1, 1.0);
  in_world.row(2, 0.0, "left").to(1, 1.0);
  in_world.row(2, 5.0, "right").to(1, 1.0);
  in_world.row(3, infinity, "dead").to(3, 1.0);
  in_world.initial(0, 1.0).state_names({"start", "home", "fork", "pit"});
  const Mdp world = in_world.discount(Discount(0.5)).build();
  const std::vector<double> values{1.0, 0.0, 0.0, infinity};

  MdpBuilder in_model(4);
  in_model.row(0, 0.0).to(1, 1.0);
  in_model.row(0, 0.0).to(2, 1.0);
  in_model.row(1, 0.0).to(1, 1.0);
  in_model.row(2, 0.0).to(1, 1.0);
  in_model.row(2, 0.0).to(1, 0.75).to(3, 0.25);
  in_model.row(3, 0.0).to(1, 1.0);
  const Mdp model = in_model.discount(Discount(0.5)).build();

  const auto refused = equivalent_cost(world, {values, values, values}, model);
  REQUIRE(refused.status == Status::refused);
  REQUIRE(refused.scope == Scope::optimal_pairs);
  REQUIRE(refused.n_violations == 1);
  REQUIRE(refused.violations.size() == 1);
  const Violation& v = refused.violations.front();
  REQUIRE(v.row == 4);
  REQUIRE(v.next == 3);
  REQUIRE(v.probability == 0.25);
  REQUIRE_FALSE(v.maybe_optimal);
  REQUIRE(v.reachable);
  REQUIRE(v.path.size() == 2);
  REQUIRE(v.path[0].state == 0);
  REQUIRE(v.path[0].action == 1);
  REQUIRE(v.path[1].state == 2);
  REQUIRE(v.path[1].action == 1);
  REQUIRE(refused.message.find("state fork, action right") != std::string::npos);
  REQUIRE(refused.message.find("pit") != std::string::npos);
  REQUIRE(refused.cost[4] == infinity);
  REQUIRE(refused.cost[5] == infinity);  // V* = inf: inadmissible in the model too, whatever its own cost

  SECTION("the pair is not optimal: with infinite cost V* and the optimal actions are kept") {
    const auto accepted = equivalent_cost(world, {values, values, values}, model, {.exclude_violations = true});
    REQUIRE(accepted.status == Status::converged);
    REQUIRE(accepted.scope == Scope::optimal_pairs);
    const auto solved = solve_exactly(*accepted.model);
    for (std::size_t s = 0; s < 3; ++s) REQUIRE(solved.values[s] == Rational(values[s]));
    REQUIRE(solved.q[3] == solved.values[2]);  // still the optimal action
  }
  SECTION("the pair is optimal: no equivalent cost exists") {
    MdpBuilder cheap(4);
    cheap.row(0, 1.0).to(1, 1.0);
    cheap.row(0, 2.0).to(2, 1.0);
    cheap.row(1, 0.0).to(1, 1.0);
    cheap.row(2, 0.0).to(1, 1.0);
    cheap.row(2, -1.0).to(1, 1.0);
    cheap.row(3, infinity).to(3, 1.0);
    const std::vector<double> w{1.0, 0.0, -1.0, infinity};
    const auto none = equivalent_cost(cheap.initial(1, 1.0).discount(Discount(0.5)).build(), {w, w, w}, model,
                                      {.exclude_violations = true});
    REQUIRE(none.status == Status::refused);
    REQUIRE(none.scope == Scope::none);
    REQUIRE(none.violations.front().maybe_optimal);
    REQUIRE_FALSE(none.violations.front().reachable);  // from state 1 nothing leads there
    REQUIRE(none.violations.front().path.size() == 1);
  }
  SECTION("gamma^ = 0 asks nothing of rho^") {
    const auto result = equivalent_cost(world, {values, values, values}, model.with_discount(0.0));
    REQUIRE(result.status == Status::converged);
    REQUIRE(result.scope == Scope::all_pairs);
    REQUIRE(result.cost[4] == 5.0);  // L^ = Q*
    REQUIRE(result.condition_number == 0.0);
  }
  SECTION("witnesses can be left out; violations are counted all the same") {
    const auto counted = equivalent_cost(world, {values, values, values}, model, {.max_witnesses = 0});
    REQUIRE(counted.n_violations == 1);
    REQUIRE(counted.violations.empty());
  }
}

TEST_CASE("T1: the condition number says how much larger than L^ the subtracted term is") {
  // One state, cost 1, gamma = 0.9: V* = 10. With gamma^ = 1/2 L^ = 10 - 5 = 5: condition 1.
  const auto one_state = [](double cost, double gamma) {
    MdpBuilder b(1);
    b.row(0, cost).to(0, 1.0);
    return b.discount(Discount(gamma)).build();
  };
  const std::vector<double> v{10.0};
  const Mdp world = one_state(2.5, 0.75);
  REQUIRE(equivalent_cost(world, {v, v, v}, one_state(0.0, 0.5)).condition_number == 1.0);
  const auto near_one = equivalent_cost(world, {v, v, v}, one_state(0.0, 1.0 - 0x1p-30));
  REQUIRE(near_one.condition_number == Approx(0x1p30).epsilon(1e-8));
  REQUIRE(near_one.pair_condition_number == near_one.condition_number);
  REQUIRE(near_one.condition_row == 0);
  REQUIRE(near_one.cost[0] == 10.0 * 0x1p-30);  // exact: no digit of the complement is lost
  REQUIRE(near_one.n_zero_cost == 0);

  const std::vector<double> zero{0.0};
  const auto nothing = equivalent_cost(one_state(0.0, 0.5), {zero, zero, zero}, one_state(1.0, 0.5));
  REQUIRE(nothing.n_zero_cost == 1);
  REQUIRE(nothing.condition_number == infinity);
  REQUIRE(nothing.pair_condition_number == 0.0);
  REQUIRE(nothing.condition_row == -1);
}

TEST_CASE("T1: a world is its own model, and the digits of the cost survive values of 1e9") {
  const auto seed = 5U;
  std::mt19937 random(seed);
  const auto shape = random_shape(random, 5);
  const Mdp world = random_mdp(random, shape, Discount(1.0 - 0x1p-27));
  const auto solution = solve_exactly(world);
  const Known known(solution.values);
  const auto result = equivalent_cost(world, known.view(), world);
  for (std::size_t row = 0; row < result.cost.size(); ++row) {
    REQUIRE(std::abs(result.cost[row] - world.cost()[row]) <= result.cost_error_bound);
  }
  REQUIRE(result.cost_error_bound <= 4.0 * unit_roundoff * std::abs(known.values[0]));
}

TEST_CASE("T1 keeps goals that stay free, and drops those that do not") {
  MdpBuilder in_world(2);
  in_world.row(0, 1.0).to(1, 1.0);
  in_world.goal(1);
  const Mdp world = in_world.discount(Discount(0.5)).build();
  const std::vector<double> noisy{1.0, 1e-12};  // the goal's value is known to be 0
  const std::vector<double> lower{0.5, -1e-9}, upper{1.5, 1e-9};
  const auto kept = equivalent_cost(world, {noisy, lower, upper}, world);
  REQUIRE(kept.model->goal().size() == 1);
  REQUIRE(kept.cost == std::vector<double>{1.0, 0.0});

  MdpBuilder other(2);
  other.row(0, 1.0).to(1, 1.0);
  other.row(1, 2.0).to(1, 1.0);
  const std::vector<double> v{3.0, 4.0};
  const auto dropped = equivalent_cost(other.discount(Discount(0.5)).build(), {v, v, v}, world);
  REQUIRE(dropped.model->goal().empty());
  REQUIRE(dropped.cost == std::vector<double>{1.0, 2.0});
}

TEST_CASE("T1: the same bits for any number of threads, and a planted solution comes back") {
  const auto truth = generate::planted({.shape = {.states = 4000, .actions = 3, .successors = 6}, .seed = 9});
  const auto model = generate::garnet({.shape = {.states = 4000, .actions = 3, .successors = 4}, .seed = 10});
  const KnownValues known(truth.values, truth.values, truth.values);
  const auto one = equivalent_cost(truth.mdp, known, model, {.threads = 1});
  const auto four = equivalent_cost(truth.mdp, known, model, {.threads = 4});
  REQUIRE(one.cost == four.cost);
  REQUIRE(std::equal(one.model->cost_tail().begin(), one.model->cost_tail().end(), four.model->cost_tail().begin()));
  REQUIRE(one.q == truth.q);
  const auto again = equivalent_cost(truth.mdp, known, truth.mdp);
  REQUIRE(std::equal(again.cost.begin(), again.cost.end(), truth.mdp.cost().begin()));
}

TEST_CASE("T1: what does not fit is refused with its place") {
  std::mt19937 random(1);
  const std::vector<int> shape{2, 1};
  const Mdp world = random_mdp(random, shape, 0.9);
  const std::vector<double> v{1.0, 2.0}, short_v{1.0}, nan_v{1.0, not_computed}, low_v{-1.0, 3.0};
  const auto message = [&](const KnownValues& known, const Mdp& model) {
    try {
      (void)equivalent_cost(world, known, model);
    } catch (const InvalidArgument& e) {
      return std::string(e.what());
    }
    return std::string("nothing");
  };
  REQUIRE(message(KnownValues(short_v), world) == "values of the world: 1 entries, required n_states = 2");
  REQUIRE(message(KnownValues(nan_v), world) == "values of the world: state 1: nan, required finite or +inf");
  REQUIRE(message(KnownValues(v, v, short_v), world).find("enclosure of 2 and 1 entries") != std::string::npos);
  REQUIRE(message(KnownValues(v, low_v, low_v), world) == "nothing");
  REQUIRE(message(KnownValues(v, low_v, std::vector<double>{-2.0, 4.0}), world).find("state 0: value") !=
          std::string::npos);

  MdpBuilder b(2);
  b.row(0, 1.0).to(0, 1.0);
  b.row(1, 1.0).to(0, 1.0);
  const Mdp tiny = b.discount(Discount(0.5)).build();
  const std::vector<double> half_infinite{2.0, infinity};
  REQUIRE_THROWS_WITH(equivalent_cost(tiny, KnownValues(half_infinite), tiny),
                      "values of the world: state 1: inf, but action 0 there is finite");
  REQUIRE_THROWS_WITH(equivalent_cost(tiny.with_cost({infinity, 1.0}), KnownValues(v), tiny),
                      "values of the world: state 0: 1.000000, but every action there is infinite");
  REQUIRE_THROWS_AS(equivalent_cost(world, KnownValues(v), world, {.max_witnesses = -1}), InvalidOption);

  const auto approximate = equivalent_cost(world, KnownValues(v), world);
  REQUIRE(approximate.level == Level::approximate);
  REQUIRE(std::isnan(approximate.cost_error_bound));
  REQUIRE(std::isnan(approximate.q_error_bound));
}
