// T6, T9: the equivalent model against exact rationals, feasible and not, for any pair of discounts.
#include "equivalence/equivalent_model.hpp"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "equivalence/candidate.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/planted.hpp"
#include "solvers/criterion.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using namespace mdp::tests;

namespace {

// gamma^ E_rho^[V] - gamma E_rho[V] in rationals, per row.
std::vector<Rational> exact_delta(const io::ExactModel& world, const std::vector<Rational>& v,
                                  const io::ExactModel& model) {
  const auto in_world = exact_q(world, v);
  const auto in_model = exact_q(model, v);
  std::vector<Rational> delta;
  for (std::size_t row = 0; row < in_world.size(); ++row) {
    delta.push_back(in_model[row] - model.rows[row].cost - (in_world[row] - world.rows[row].cost));
  }
  return delta;
}

// State 0 goes to the ends of a line of four states; costs make V* = (v0, 0, 1, 2, 10).
Mdp line(const std::vector<std::pair<int, double>>& row, double gamma = 0.5) {
  MdpBuilder b(5);
  b.row(0, 1.0);
  for (const auto& [next, p] : row) b.to(next, p);
  const double v[] = {0.0, 1.0, 2.0, 10.0};
  for (int s = 1; s < 5; ++s) b.row(s, (1.0 - gamma) * v[s - 1]).to(s, 1.0);
  return b.discount(Discount(gamma)).build();
}

EquivalentModelResult on_line(const Mdp& world, const Mdp& reference, const EquivalentModelOptions& options = {}) {
  const Known known(solve_exactly(world).values);
  return equivalent_model(world, known.view(), reference, options);
}

}  // namespace

TEST_CASE(
    "T6: the model's exact Q^* is the world's Q*, within the promised bound, if and only if no row is infeasible") {
  const auto seed = 20261125U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  int n_equivalent = 0, n_infeasible = 0;
  const double discounts[] = {0.0, 0.3, 0.875, 0.9, 0.99};
  for (int trial = 0; trial < 300; ++trial) {
    CAPTURE(trial);
    const auto shape = random_shape(random, 5);
    const Mdp world = random_mdp(random, shape, discounts[random() % 5]);
    const double other = discounts[random() % 5];
    const Mdp reference = random_mdp(random, shape, random() % 2 == 0 ? world.discount() : other);
    const auto exact = exact_model_of(world);
    const auto solution = solve_exactly(exact);
    const Known known(solution.values);

    const auto result = equivalent_model(world, known.view(), reference);

    const auto model = exact_model_of(*result.model);
    REQUIRE(result.model->discount() == reference.discount());
    const auto delta = exact_delta(exact, solution.values, model);
    Rational epsilon = 0;
    for (std::size_t row = 0; row < delta.size(); ++row) {
      REQUIRE(model.rows[row].cost == exact.rows[row].cost);  // L^ = L
      epsilon = std::max(epsilon, Rational(abs(delta[row])));
      const bool feasible = result.outcome[row] != RowOutcome::infeasible;
      REQUIRE(feasible == (result.divergence[row] < infinity));
    }
    REQUIRE(epsilon <= Rational(result.defect.epsilon));
    const auto solved = solve_exactly(model);
    const Rational error = distance(solved.q, solution.q);
    REQUIRE(error <= Rational(result.defect.epsilon) / (1 - model.discount));  // T9
    if (result.status == Status::converged) {
      ++n_equivalent;
      Rational largest = 1;
      for (const auto& v : solution.values) largest = std::max(largest, Rational(abs(v)));
      REQUIRE(result.n_infeasible == 0);
      REQUIRE(result.defect.epsilon <= 16 * unit_roundoff * largest.get_d());
    } else {
      ++n_infeasible;
      REQUIRE(result.status == Status::refused);
      REQUIRE(result.scope == Scope::none);
      REQUIRE(result.n_infeasible > 0);
      REQUIRE(error > 0);
    }
  }
  REQUIRE(n_equivalent > 20);  // neither kind is vacuous
  REQUIRE(n_infeasible > 20);
}

TEST_CASE("T6: the world is its own nearest model, to the bit") {
  const auto seed = 4U;
  std::mt19937 random(seed);
  const Mdp world = random_mdp(random, random_shape(random, 5), 0.9);
  const auto result = on_line(world, world);
  REQUIRE(result.status == Status::converged);
  REQUIRE(result.sum_divergence == 0.0);
  REQUIRE(result.n_changed == 0);
  REQUIRE(std::equal(world.probability().begin(), world.probability().end(), result.model->probability().begin()));
  REQUIRE(std::equal(world.next_state().begin(), world.next_state().end(), result.model->next_state().begin()));
}

TEST_CASE("T6: a hand-made row, tau inside, at an end, outside, and V* constant on D") {
  const Mdp world = line({{2, 0.5}, {3, 0.5}});  // E[V*] = 1.5
  SECTION("inside: tilted, with the closed form of two points") {
    const auto result = on_line(world, line({{1, 0.5}, {4, 0.5}}));
    REQUIRE(result.outcome[0] == RowOutcome::projected);
    REQUIRE(result.model->probability()[1] == Approx(0.15));
    REQUIRE(result.multiplier[0] == Approx(std::log(0.15 / 0.85) / 10.0));
    REQUIRE(result.divergence[0] == Approx(0.15 * std::log(0.3) + 0.85 * std::log(1.7)));
    REQUIRE(result.max_divergence_row == 0);
    REQUIRE(result.sum_divergence == result.divergence[0]);
    REQUIRE(result.n_changed == 1);
    REQUIRE(result.status == Status::converged);
  }
  SECTION("outside: the nearest end, and epsilon = gamma^ dist(tau, [min, max])") {
    const auto result = on_line(world, line({{3, 0.25}, {4, 0.75}}));
    REQUIRE(result.outcome[0] == RowOutcome::infeasible);
    REQUIRE(result.first_infeasible_row == 0);
    REQUIRE(result.moment_residual[0] == Approx(0.5));
    REQUIRE(result.defect.delta[0] == Approx(0.25));
    REQUIRE(result.defect.epsilon == Approx(0.25));
    REQUIRE(result.defect.q_difference.upper == Approx(0.5));  // epsilon / (1 - gamma^)
    REQUIRE(result.message.find("state 0, action 0") != std::string::npos);
    REQUIRE(result.model->n_transitions() == 5);  // all mass on state 3
  }
  SECTION("at an end: conditioned") {
    const auto result = on_line(line({{2, 1.0}}), line({{2, 0.25}, {3, 0.5}, {4, 0.25}}));
    REQUIRE(result.outcome[0] == RowOutcome::boundary);
    REQUIRE(result.divergence[0] == Approx(std::log(4.0)));
    REQUIRE(result.status == Status::converged);
  }
  SECTION("constant on D: kept if tau is that constant, else infeasible") {
    REQUIRE(on_line(line({{2, 1.0}}), line({{2, 1.0}})).outcome[0] == RowOutcome::kept);
    REQUIRE(on_line(world, line({{2, 1.0}})).outcome[0] == RowOutcome::infeasible);
  }
}

TEST_CASE("T6: another discount moves tau to (gamma/gamma^) E[V*]") {
  const Mdp world = line({{2, 0.5}, {3, 0.5}});
  const Mdp reference = line({{1, 0.5}, {4, 0.5}});
  const auto result = on_line(world, reference, {.discount = Discount(0.25)});
  // tau = 2 * 1.5 = 3, met by mass 0.3 on 10. The absorbing states with V* != 0 cannot follow: L^ = L.
  REQUIRE(result.model->probability()[1] == Approx(0.3));
  REQUIRE(result.model->discount() == 0.25);
  REQUIRE(result.n_infeasible == 3);
  REQUIRE(result.outcome[1] == RowOutcome::kept);  // V* = 0 there
}

TEST_CASE("T6: gamma^ = 0 needs gamma E[V*] = 0, and keeps the reference") {
  const Mdp world = line({{2, 0.5}, {3, 0.5}});
  const auto refused = on_line(world, world, {.discount = Discount(0.0)});
  REQUIRE(refused.outcome[0] == RowOutcome::infeasible);
  REQUIRE(refused.defect.delta[0] == Approx(-0.75));
  REQUIRE(refused.outcome[1] == RowOutcome::kept);

  MdpBuilder myopic(1);
  myopic.row(0, 3.0).to(0, 1.0);
  const Mdp one = myopic.discount(Discount(0.0)).build();
  REQUIRE(on_line(one, one).status == Status::converged);
}

TEST_CASE("T6: gamma^ = 1 is refused where rows are infeasible") {
  const Mdp world = line({{2, 0.5}, {3, 0.5}});
  const auto result = on_line(world, line({{1, 0.5}, {4, 0.5}}), {.discount = Discount(1.0)});
  REQUIRE(result.status == Status::refused);
  REQUIRE(std::abs(result.moment_residual[0]) <= 1e-15);  // tau = 0.75
  REQUIRE(result.model->probability()[1] == Approx(0.075));
}

TEST_CASE("T3, T6: for gamma^ = 1 condition M(0) decides: right with a free goal, wrong in the trap of T2'") {
  MdpBuilder b(3);
  b.row(0, 1.0).to(1, 1.0);
  b.row(1, 1.0).to(2, 1.0);
  b.row(2, 0.0).to(2, 1.0);
  const Mdp to_goal = b.discount(Discount(0.5)).build();  // V* = (1.5, 1, 0)
  const auto good =
      on_line(to_goal, to_goal,
              {.discount = Discount(1.0), .divergence = Divergence::l1, .support = {SupportRule::all, 0, {}}});
  REQUIRE(good.status == Status::converged);
  REQUIRE(good.scope == Scope::all_pairs);
  REQUIRE(good.level == Level::approximate);
  REQUIRE(good.message.find("M(0) holds (T3), and solving the model confirms it") != std::string::npos);
  REQUIRE(good.confirmation);
  REQUIRE(good.confirmation->how == "gain and bias");
  REQUIRE(good.confirmation->error.upper <= 1e-12);
  // The undiscounted sum by hand: V(1) = 1 + (mass on 1) V(1) + (mass on 0) V(0) and so on are the moment equations.
  REQUIRE(std::abs(good.moment_residual[0]) + std::abs(good.moment_residual[1]) <= 1e-15);

  MdpBuilder t(2);
  t.row(0, 0.5).to(0, 1.0);
  t.row(0, 0.0).to(1, 1.0);
  t.row(1, 1.0).to(1, 1.0);
  const Mdp trap = t.discount(Discount(0.9)).build();  // V* = (5, 10)
  const auto bad = on_line(
      trap, trap, {.discount = Discount(1.0), .divergence = Divergence::l1, .support = {SupportRule::all, 0, {}}});
  REQUIRE(bad.status == Status::refused);
  REQUIRE(!bad.confirmation);
}

TEST_CASE("T7, T3: for gamma^ = 1 the gain takes the place of c; the average criterion has it, and the bias V* - c") {
  const auto seed = 20261126U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  int n_feasible = 0, n_converged = 0;
  for (int trial = 0; trial < 60; ++trial) {
    CAPTURE(trial);
    const Mdp world = random_mdp(random, random_shape(random, 5), 0.9);
    const auto solved = solve_exactly(world);
    const Known known(solved.values);
    const auto found = equivalent_model(
        world, known.view(), world,
        {.discount = Discount(1.0), .divergence = Divergence::l2, .support = {SupportRule::all, 0, {}}, .shift = {}});
    if (found.n_infeasible > 0) continue;
    ++n_feasible;
    // The interval by its formula: E_p[V*] = gamma E_rho[V*] + g.
    const auto exact = exact_model_of(world), made = exact_model_of(*found.model);
    for (std::size_t row = 0; row < solved.q.size(); ++row) {
      const Rational moment = solved.q[row] - exact.rows[row].cost + Rational(found.shift);
      Rational mean = 0;
      for (const auto& [next, p] : made.rows[row].to) {
        mean += p * solved.values[static_cast<std::size_t>(next)];
      }
      CHECK(std::abs(Rational(mean - moment).get_d()) <= found.epsilon);
      CHECK(found.epsilon < 1e-12 * 1000);
    }
    if (found.status != Status::converged) continue;
    ++n_converged;
    const auto average = solvers::solve_criterion(*found.model, solvers::Criterion::average, {});
    for (std::size_t s = 0; s < solved.values.size(); ++s) {
      CHECK(average.gain[s] == Approx(found.shift).margin(1e-8));
    }
    REQUIRE(found.confirmation);
    CHECK(found.confirmation->error.upper < 1e-7);
    CHECK(found.constant.upper - found.constant.lower < 1e-7);
  }
  CHECK(n_feasible > 15);
  CHECK(n_converged > 10);
}

TEST_CASE("T7: gain 1/2 in a cycle of two, by hand; another gain has no rows") {
  // V* = (1, 2) for gamma = 1/2: costs 1 - 1/2 E[V*]. For gamma^ = 1, E_p[V*] = 1/2 E_rho[V*] + g has a row in [1, 2] for each pair.
  MdpBuilder b(2);
  b.row(0, 0.0).to(1, 1.0);
  b.row(1, 1.5).to(0, 1.0);
  const Mdp world = b.discount(0.5).build();
  const std::vector<double> v{1.0, 2.0};
  const auto at = [&](std::optional<double> gain) {
    return equivalent_model(
        world, {v, v, v}, world,
        {.discount = Discount(1.0), .divergence = Divergence::l1, .support = {SupportRule::all, 0, {}}, .shift = gain});
  };
  CHECK(at({}).shift_interval.range.lower == 0.5);
  CHECK(at({}).shift_interval.range.upper == 1.0);
  const auto found = at(0.75);
  CHECK(found.status == Status::converged);
  CHECK(found.model->probability()[0] == 0.25);             // E[V*] = 1.75
  CHECK(found.constant.lower == Approx(1.5).margin(1e-6));  // means 1.75 and 1.25: half the time in each
  CHECK(at(0.25).status == Status::refused);
}

TEST_CASE("T6: pairs with infinite Q* have no equation, states with infinite V* get no mass") {
  MdpBuilder b(3);
  b.row(0, 1.0).to(1, 1.0);
  b.row(0, infinity).to(1, 1.0);
  b.row(0, 1.0).to(2, 1.0);
  b.row(1, 0.0).to(1, 1.0);
  b.row(2, infinity).to(2, 1.0);
  const Mdp world = b.discount(Discount(0.5)).build();
  MdpBuilder r(3);
  r.row(0, 0.0).to(1, 0.5).to(2, 0.5);
  r.row(0, 0.0).to(0, 1.0);
  r.row(0, 0.0).to(1, 0.5).to(2, 0.5);
  r.row(1, 0.0).to(1, 1.0);
  r.row(2, 0.0).to(2, 1.0);
  const Mdp reference = r.discount(Discount(0.5)).build();
  const std::vector<double> v{1.0, 0.0, infinity};
  const auto result = equivalent_model(world, {v, v, v}, reference);
  REQUIRE(result.status == Status::converged);
  REQUIRE(result.outcome[0] == RowOutcome::kept);
  REQUIRE(result.divergence[0] == Approx(std::log(2.0)));
  REQUIRE(result.outcome[1] == RowOutcome::unbounded);
  REQUIRE(result.outcome[2] == RowOutcome::unbounded);
  REQUIRE(result.outcome[4] == RowOutcome::unbounded);
  REQUIRE(result.model->row_begin()[1] == 1);  // state 2 is gone from the first row
  REQUIRE(result.defect.epsilon <= 1e-15);
}

TEST_CASE("T6: a reference that hides the way to infinity is infeasible, directly or by a detour") {
  // Action 1 of state 0 meets state 1, from where nothing but an inadmissible action follows, through state 2.
  const auto with_rows = [](int from_0, int from_1, double dead) {
    MdpBuilder b(3);
    b.row(0, 1.0).to(0, 1.0);
    b.row(0, 0.0).to(from_0, 1.0);
    b.row(1, 0.0).to(from_1, 1.0);
    b.row(2, dead).to(2, 1.0);
    return b.discount(Discount(0.5)).build();
  };
  const Mdp world = with_rows(1, 2, infinity);
  const std::vector<double> v{2.0, infinity, infinity};
  const KnownValues known(v, v, v);
  REQUIRE(equivalent_model(world, known, with_rows(1, 2, 0.0)).status == Status::converged);
  REQUIRE(equivalent_model(world, known, with_rows(2, 2, 0.0)).status == Status::converged);
  for (const Mdp& blind : {with_rows(0, 2, 0.0), with_rows(1, 1, 0.0)}) {
    const auto result = equivalent_model(world, known, blind);
    REQUIRE(result.status == Status::refused);
    REQUIRE(result.outcome[1] == RowOutcome::infeasible);
    REQUIRE(result.divergence[1] == infinity);
    REQUIRE(result.defect.epsilon == infinity);
  }
}

namespace {

constexpr Divergence nearest[] = {Divergence::kl,          Divergence::reverse_kl, Divergence::likelihood,
                                  Divergence::chi2,        Divergence::l2,         Divergence::l1,
                                  Divergence::wasserstein, Divergence::sparsest,   Divergence::uniform};

// A world with absorbing and unreachable states, tied actions and costs of any size.
Mdp hard_world(std::mt19937& random, const std::vector<int>& shape, const Discount& discount) {
  const int n = static_cast<int>(shape.size());
  const double scale = std::ldexp(1.0, draw(random, -60, 60));
  MdpBuilder b(n);
  for (int s = 0; s < n; ++s) {
    const bool absorbs = draw(random, 0, 4) == 0;
    double cost = 0.0;
    for (int a = 0; a < shape[static_cast<std::size_t>(s)]; ++a) {
      if (a == 0 || draw(random, 0, 3) > 0) cost = draw(random, -40, 40) / 4.0;  // else a tie, if the rows agree
      b.row(s, scale * cost);
      if (absorbs) {
        b.to(s, 1.0);
        continue;
      }
      const int first = draw(random, 0, n - 1), second = draw(random, 0, n - 1), weight = draw(random, 1, 6);
      b.to(first, weight / 7.0);
      b.to(second, (7 - weight) / 7.0);
    }
  }
  return b.discount(discount).build();
}

}  // namespace

TEST_CASE("T6: every divergence on every support: Q^* = Q* in exact rationals within the certified bound") {
  const auto seed = 20261205U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const double discounts[] = {0.0, 0.3, 0.9, 0.999, 1.0 - 1e-6};
  int n_equivalent = 0, n_infeasible = 0;
  for (int trial = 0; trial < 1200; ++trial) {
    CAPTURE(trial);
    const auto shape = random_shape(random, 5);
    const double gamma = discounts[random() % 5];
    const Mdp world = hard_world(random, shape, gamma);
    const Mdp reference = random_mdp(random, shape, random() % 3 > 0 ? gamma : discounts[random() % 5]);
    const auto exact = exact_model_of(world);
    const auto solution = solve_exactly(exact);
    const Known known(solution.values);
    EquivalentModelOptions options;
    options.divergence = nearest[random() % std::size(nearest)];
    const bool is_likelihood =
        options.divergence == Divergence::reverse_kl || options.divergence == Divergence::likelihood;
    const SupportRule rules[] = {SupportRule::all, SupportRule::world_reference, SupportRule::reference,
                                 SupportRule::world, SupportRule::within};
    options.support.rule = rules[random() % (is_likelihood ? 3 : 5)];
    options.support.distance = 2;
    CAPTURE(to_string(options.divergence), static_cast<int>(options.support.rule));
    const auto result = equivalent_model(world, known.view(), reference, options);
    double largest = 0.0;
    for (const auto& v : solution.values) largest = std::max(largest, std::abs(v.get_d()));
    const auto solved = solve_exactly(exact_model_of(*result.model));
    REQUIRE(distance(solved.q, solution.q) <= Rational(result.q_error_bound));
    for (std::size_t row = 0; row < result.outcome.size(); ++row) {
      if (result.outcome[row] == RowOutcome::infeasible) continue;
      REQUIRE(std::abs(result.moment_residual[row]) <= 64.0 * unit_roundoff * largest);
      REQUIRE(std::abs(result.duality_gap[row]) <= 1e-12 * (1.0 + result.divergence[row]));
    }
    if (result.status == Status::converged) {
      ++n_equivalent;
      REQUIRE(result.epsilon <= 256.0 * unit_roundoff * largest);
    } else {
      ++n_infeasible;
      REQUIRE(result.status == Status::refused);
      REQUIRE(result.infeasible.size() == static_cast<std::size_t>(result.n_infeasible));
      for (const auto& row : result.infeasible) {
        if (result.model->discount() == 0.0) continue;
        REQUIRE((row.target < row.low || row.target > row.high));
      }
    }
  }
  REQUIRE(n_equivalent > 200);
  REQUIRE(n_infeasible > 200);
}

TEST_CASE("T6, T7: up to ten thousand states, any pair of discounts: solving the model confirms Q* + c", "[long]") {
  const auto seed = 20261206U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  int n_converged = 0;
  const std::pair<State, int> sizes[] = {{2, 80}, {10, 80}, {100, 60}, {1000, 2}, {10000, 4}};  // states, pairs
  for (const auto& [n, n_trials] : sizes) {
    for (int trial = 0; trial < n_trials; ++trial) {
      CAPTURE(n, trial);
      const double discounts[] = {0.1, 0.5, 0.95, 0.999, 1.0 - 1e-6};
      const auto truth = generate::planted({.shape = {.states = n, .actions = 3, .successors = std::min(n, 4)},
                                            .discount = discounts[random() % 5],
                                            .seed = static_cast<std::uint64_t>(trial)});
      const auto reference = generate::garnet({.shape = {.states = n, .actions = 3, .successors = std::min(n, 40)},
                                               .discount = discounts[random() % 5],
                                               .seed = 6});
      std::vector<double> lower = truth.values, upper = truth.values;  // V* but for the rounding of the costs
      for (double& v : lower) v = bounds::round_down(v - truth.value_error_bound);
      for (double& v : upper) v = bounds::round_up(v + truth.value_error_bound);
      const KnownValues known(truth.values, lower, upper);
      EquivalentModelOptions options;
      options.divergence = nearest[random() % 6];
      options.support.rule = n <= 1000 ? SupportRule::all : SupportRule::world_reference;
      options.shift.reset();
      const auto result = equivalent_model(truth.mdp, known, reference, options);
      if (result.status != Status::converged) continue;
      ++n_converged;
      const auto check = verify(truth.mdp, known, *result.model, {}, result.shift);
      REQUIRE(check.holds());
      REQUIRE(check.promise == result.q_error_bound);
    }
  }
  REQUIRE(n_converged > 60);
}

TEST_CASE("T6: at a thousand states the planted Q* comes back; same bits for any number of threads") {
  const auto truth = generate::planted({.shape = {.states = 2000, .actions = 3, .successors = 6}, .seed = 5});
  const auto reference = generate::garnet(
      {.shape = {.states = 2000, .actions = 3, .successors = 300}, .discount = truth.mdp.exact_discount(), .seed = 6});
  const KnownValues known(truth.values, truth.values, truth.values);
  const auto one = equivalent_model(truth.mdp, known, reference, {.threads = 1});
  const auto three = equivalent_model(truth.mdp, known, reference, {.threads = 3});
  REQUIRE(one.status == Status::converged);
  REQUIRE(one.n_changed > 5900);
  REQUIRE(one.max_duality_gap <= 1e-13);
  // A few ulps of the spread of V* (at most 16) in each moment equation.
  REQUIRE(one.defect.epsilon <= 8 * unit_roundoff * 16.0);
  REQUIRE(
      std::equal(one.model->probability().begin(), one.model->probability().end(), three.model->probability().begin()));
  REQUIRE(one.sum_divergence == three.sum_divergence);
}

TEST_CASE("equivalent model: options out of range are refused") {
  const Mdp world = line({{2, 1.0}});
  REQUIRE_THROWS_AS(on_line(world, world, {.threads = -1}), InvalidOption);
}
