// Thousands of random pairs in rationals: constructed costs (T1, T3) and models (T6, T7) have the world's Q* exactly, and those in doubles
// within the certified bound. Sizes 2 to 6, discounts from 0 to 1 - 1e-6, ill-scaled costs, ties, absorbing and unreachable states.
#include <array>
#include <optional>
#include <random>

#include <catch2/catch.hpp>

#include "equivalence/boundary_term.hpp"
#include "equivalence/equivalent_cost.hpp"
#include "equivalence/equivalent_model.hpp"
#include "equivalence/exact_cost.hpp"
#include "equivalence/exact_rows.hpp"
#include "libmdp/error.hpp"
#include "solvers/solve.hpp"
#include "tests/equivalence/instances.hpp"

using namespace mdp;
using namespace mdp::equivalence;
using namespace mdp::tests;
using io::ExactModel;
using solvers::Criterion;

namespace {

struct Kind {
  bool ties = false, ill_scaled = false, absorbing = false, unreachable = false, with_goal = false;
  int scale = 0;  // costs of size 10^scale
  Rational discount, discount_model;
};

Kind random_kind(std::mt19937& random) {
  const Rational discounts[] = {0, ratio(1, 3), ratio(1, 2), ratio(9, 10), ratio(999999, 1000000)};
  Kind kind;
  kind.ties = draw(random, 0, 1) == 0;
  kind.ill_scaled = draw(random, 0, 1) == 0;
  kind.absorbing = draw(random, 0, 1) == 0;
  kind.unreachable = draw(random, 0, 1) == 0;
  kind.scale = draw(random, -6, 6);
  kind.discount = discounts[draw(random, 0, 4)];
  kind.discount_model = discounts[draw(random, 0, 4)];
  return kind;
}

Rational random_cost(std::mt19937& random, const Kind& kind) {
  Rational cost = kind.ties ? Rational(draw(random, -1, 1)) : ratio(draw(random, -100, 100), 7);
  if (kind.ill_scaled && draw(random, 0, 9) == 0) cost *= 1000000;
  for (int i = 0; i < std::abs(kind.scale); ++i) cost = kind.scale > 0 ? Rational(cost * 10) : Rational(cost / 10);
  return cost;
}

// \param n_actions  of each state. The last state is the goal, if there is one.
ExactModel random_model(std::mt19937& random, const std::vector<int>& n_actions, const Kind& kind,
                        const Rational& discount) {
  const auto n = static_cast<std::int64_t>(n_actions.size());
  ExactModel model;
  model.n_states = n;
  model.discount = discount;
  model.state_rows = {0};
  for (std::int64_t s = 0; s < n; ++s) {
    const bool is_goal = kind.with_goal && s + 1 == n;
    const bool stays = is_goal || (kind.absorbing && draw(random, 0, 5) == 0);
    for (int a = 0; a < n_actions[at(s)]; ++a) {
      ExactModel::Row row;
      row.cost = is_goal ? Rational(0) : random_cost(random, kind);
      std::vector<int> weight(at(n), 0);
      const std::int64_t reach = kind.unreachable ? (n + 1) / 2 : n;
      for (int i = 0; i < 3; ++i) weight[at(draw(random, 0, static_cast<int>(reach) - 1))] += draw(random, 1, 6);
      if (kind.with_goal) weight[at(n - 1)] += 1;
      if (stays) weight.assign(at(n), 0), weight[at(s)] = 1;
      int sum = 0;
      for (const int w : weight) sum += w;
      for (std::int64_t t = 0; t < n; ++t) {
        if (weight[at(t)] > 0) row.to.emplace_back(t, ratio(weight[at(t)], sum));
      }
      model.rows.push_back(std::move(row));
    }
    model.state_rows.push_back(static_cast<std::int64_t>(model.rows.size()));
  }
  if (kind.with_goal) model.goal = {n - 1};
  return model;
}

struct Pair {
  Kind kind;
  ExactModel world, model;
};

Pair random_pair(std::mt19937& random, const Kind& kind) {
  std::vector<int> shape = random_shape(random, 6);
  if (kind.with_goal) shape.back() = 1;
  return {kind, random_model(random, shape, kind, kind.discount),
          random_model(random, shape, kind, kind.discount_model)};
}

}  // namespace

TEST_CASE("T1: 1500 random pairs in rationals: Q^* = Q* exactly; in doubles within the certified bound") {
  const auto seed = 51U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 1500; ++trial) {
    CAPTURE(trial);
    const Pair pair = random_pair(random, random_kind(random));
    const auto found = exact_equivalent_cost(pair.world, pair.model, {});
    REQUIRE(found.status == Status::converged);
    const auto truth = solve_exactly(pair.world);
    REQUIRE(solve_exactly(found.model).q == truth.q);

    // What the doubles mean is another world, a rounding away; the promise is about that one.
    const Mdp world = io::nearest_mdp(pair.world), model = io::nearest_mdp(pair.model);
    const auto solved = solvers::solve(world);
    const auto rounded = equivalent_cost(world, solved, model);
    REQUIRE(rounded.status == Status::converged);
    const auto meant = solve_exactly(exact_model_of(world)), carried = solve_exactly(exact_model_of(*rounded.model));
    REQUIRE(distance(carried.q, meant.q) <= Rational(rounded.q_error_bound));
  }
}

TEST_CASE(
    "T6, T7: 1500 random pairs in rationals: the model has Q* + c exactly; in doubles within the certified bound") {
  const auto seed = 52U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const Divergence divergences[] = {Divergence::kl,   Divergence::l2,         Divergence::l1,
                                    Divergence::chi2, Divergence::reverse_kl, Divergence::sparsest};
  int n_exact = 0, n_shifted = 0, n_refused = 0, n_moved = 0;
  for (int trial = 0; trial < 1500; ++trial) {
    CAPTURE(trial);
    const bool shifts = trial % 3 == 0;
    Kind kind = random_kind(random);
    if (!shifts) kind.discount_model = kind.discount;
    const Pair pair = random_pair(random, kind);
    const Mdp world = io::nearest_mdp(pair.world), reference = io::nearest_mdp(pair.model);
    const ExactModel meant = exact_model_of(world);
    const auto solved = solvers::solve(world);
    EquivalentModelOptions options;
    options.divergence = divergences[draw(random, 0, shifts ? 4 : 5)];
    options.support.rule = draw(random, 0, 1) == 0 ? SupportRule::all : SupportRule::world_reference;
    if (shifts) options.shift.reset();
    CAPTURE(to_string(options.divergence), shifts);
    const auto found = equivalent_model(world, solved, reference, options);
    const ExactModel near = exact_model_of(*found.model);
    const auto truth = solve_exactly(meant), rounded = solve_exactly(near);
    std::vector<Rational> wanted = truth.q;
    for (Rational& q : wanted) q += Rational(found.shift);
    REQUIRE(distance(rounded.q, wanted) <= Rational(found.q_error_bound));
    if (found.status != Status::converged) continue;

    const auto exact = exact_equivalent_model(meant, near, near.discount, Rational(found.shift), {});
    if (exact.status !=
        Status::converged) {  // a row at an end of its interval: feasible within the enclosure, not exactly
      ++n_refused;
      continue;
    }
    ++n_exact;
    n_shifted += found.shift != 0.0 ? 1 : 0;
    REQUIRE(solve_exactly(exact.model).q == wanted);
    n_moved += exact.largest_change > Rational(1e-6) ? 1 : 0;  // V* all but constant: its enclosure is as wide as it is
  }
  CAPTURE(n_exact, n_shifted, n_refused, n_moved);
  REQUIRE(n_moved < n_exact / 20);
  REQUIRE(n_exact > 900);
  REQUIRE(n_shifted > 100);
  REQUIRE(n_refused < 200);
}

namespace {

// T2: one stage backwards, by hand: [n_rows] L + discount E_p[next], nothing where that is infinite.
std::vector<std::optional<Rational>> stage_back(const ExactModel& model, const std::vector<io::Extended>& cost,
                                                const std::vector<std::optional<Rational>>& next) {
  std::vector<std::optional<Rational>> q;
  for (std::size_t r = 0; r < model.rows.size(); ++r) {
    std::optional<Rational> sum;
    if (cost[r].is_finite()) sum = cost[r].finite;
    for (const auto& [state, p] : model.rows[r].to) {
      if (sum && model.discount != 0 && !next[at(state)]) sum.reset();
      if (sum && next[at(state)]) *sum += model.discount * p * *next[at(state)];
    }
    q.push_back(sum);
  }
  return q;
}

std::vector<std::optional<Rational>> minima(const ExactModel& model, const std::vector<std::optional<Rational>>& q) {
  std::vector<std::optional<Rational>> least(at(model.n_states));
  for (std::int64_t s = 0; s < model.n_states; ++s) {
    for (auto r = model.state_rows[at(s)]; r < model.state_rows[at(s) + 1]; ++r) {
      if (q[at(r)] && (!least[at(s)] || *q[at(r)] < *least[at(s)])) least[at(s)] = q[at(r)];
    }
  }
  return least;
}

// World of four stages, those from `first` on; what solving both backwards by hand gives must agree in every stage.
void require_same_stages(const Pair& pair, const ExactCost& found, std::size_t first) {
  std::vector<io::Extended> own;
  for (const auto& row : pair.world.rows) own.push_back(row.inadmissible ? io::Extended::infinity(1) : row.cost);
  std::vector<std::vector<std::optional<Rational>>> q(4),
      values(5, std::vector<std::optional<Rational>>(at(pair.world.n_states), 0));
  for (std::size_t k = 4; k-- > 0;) {
    q[k] = stage_back(pair.world, own, values[k + 1]);
    values[k] = minima(pair.world, q[k]);
  }
  std::vector<std::optional<Rational>> next;
  for (const auto& v : found.terminal) next.push_back(v.is_finite() ? std::optional(v.finite) : std::nullopt);
  for (std::size_t k = found.cost_by_stage.size(); k-- > 0;) {
    const auto carried = stage_back(pair.model, found.cost_by_stage[k], next);
    REQUIRE(carried == q[first + k]);
    next = minima(pair.model, carried);
  }
}

}  // namespace

TEST_CASE("T3: all cells in rationals, and M(c) as the enclosures decide it") {
  const auto seed = 53U;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::array criteria = {Criterion::discounted, Criterion::goal, Criterion::total, Criterion::average,
                               Criterion::finite};
  for (const Criterion from : criteria) {
    for (const Criterion to : criteria) {
      int n_converged = 0, n_refused = 0;
      for (int trial = 0; trial < 24; ++trial) {
        CAPTURE(to_string(from), to_string(to), trial);
        Kind kind;
        kind.ties = trial % 2 == 0;
        kind.with_goal = trial % 3 != 0 || from == Criterion::goal || to == Criterion::goal;
        kind.absorbing = trial % 4 == 1;
        kind.discount = from == Criterion::discounted || from == Criterion::finite ? ratio(9, 10) : Rational(1);
        kind.discount_model = ratio(1, 2);
        const Pair pair = random_pair(random, kind);
        solvers::ExactOptions options;
        options.criterion.horizon = from == Criterion::finite ? 4 : 0;
        options.criterion.improper = solvers::Improper::excluded;
        const auto target = exact_target(pair.world, from, options, from == Criterion::finite ? trial % 4 : 0);
        if (target.status != Status::converged) continue;  // -inf somewhere
        const std::int64_t horizon = from == Criterion::finite ? 1 + (trial / 4) % (4 - trial % 4) : 5;
        const auto found = exact_criterion_change(target, pair.model, to, {}, horizon);
        CAPTURE(found.message);
        REQUIRE((found.status == Status::converged || found.status == Status::refused));
        REQUIRE(found.message.find("contradicts") == std::string::npos);
        ++(found.status == Status::converged ? n_converged : n_refused);
        if (to == Criterion::discounted) {
          if (found.status != Status::converged) {
            REQUIRE(found.message.starts_with("TC(a) fails"));
            continue;
          }
          for (std::size_t r = 0; r < target.q.size(); ++r) {
            if (target.q[r].is_finite()) continue;
            REQUIRE(found.model.rows[r].inadmissible);
          }
          const auto values = oracles::optimal_values(found.model);
          for (std::size_t s = 0; s < values.size(); ++s) {
            REQUIRE(values[s].has_value() == target.values[s].is_finite());
            if (values[s]) REQUIRE(*values[s] == target.values[s].finite);
          }
        }
        if (from == Criterion::finite && to == Criterion::finite && found.status == Status::converged) {
          require_same_stages(pair, found, at(trial % 4));
        }
        if (to != Criterion::total && to != Criterion::average) continue;
        std::vector<double> values, advantage;
        for (std::int64_t s = 0; s < pair.world.n_states; ++s) {
          values.push_back(io::nearest(target.values[at(s)]));
          for (auto r = pair.world.state_rows[at(s)]; r < pair.world.state_rows[at(s) + 1]; ++r) {
            const bool finite = target.q[at(r)].is_finite();
            advantage.push_back(finite ? Rational(target.q[at(r)].finite - target.values[at(s)].finite).get_d()
                                       : infinity);
          }
        }
        if (found.message.starts_with("TC(a) fails") || found.message == "V* is infinite in every state") continue;
        const auto term = boundary_term(io::nearest_mdp(pair.model).with_discount(1.0), values, advantage);
        if (term.holds == Verdict::undecided) continue;
        REQUIRE((term.holds == Verdict::yes) == (found.status == Status::converged));
        if (term.holds == Verdict::yes) REQUIRE(found.shift.get_d() == Approx(term.constant.upper).margin(1e-6));
      }
      CAPTURE(to_string(from), to_string(to), n_converged, n_refused);
      REQUIRE(n_converged > 3);
    }
  }
}

TEST_CASE("T2', T3 in rationals: the trap is refused with the two averages; what is asked wrongly is an error") {
  ExactModel trap;
  trap.n_states = 2;
  trap.state_rows = {0, 2, 3};
  trap.discount = ratio(9, 10);
  trap.rows = {{{{0, 1}}, ratio(1, 2), false, "stay"}, {{{1, 1}}, 0, false, "go"}, {{{1, 1}}, 1, false, "rest"}};
  const auto target = exact_target(trap, Criterion::discounted, {});
  const auto total = exact_criterion_change(target, trap, Criterion::total, {});
  REQUIRE(total.status == Status::refused);
  REQUIRE(total.message ==
          "condition M(c) of T3 fails: zero-advantage actions reach a long-run average of V* of 10 from state 1, of 5 "
          "from state 0");
  REQUIRE(exact_criterion_change(target, trap, Criterion::finite, {}, 30).status == Status::converged);
  REQUIRE(exact_criterion_change(target, trap, Criterion::goal, {}).message ==
          "criterion goal: neither the model nor the world has a goal state");
  REQUIRE_THROWS_AS(exact_criterion_change(target, trap, Criterion::reach, {}), InvalidOption);
  REQUIRE_THROWS_AS(exact_target(trap, Criterion::reach, {}), InvalidOption);
  auto undiscounted = trap;
  undiscounted.discount = 1;
  REQUIRE_THROWS_AS(exact_criterion_change(target, undiscounted, Criterion::discounted, {}), InvalidArgument);
  solvers::ExactOptions options;
  options.criterion.horizon = 3;
  REQUIRE_THROWS_AS(exact_target(trap, Criterion::finite, options, 3), InvalidOption);
  const auto stage = exact_target(trap, Criterion::finite, options, 1);
  REQUIRE(exact_criterion_change(stage, trap, Criterion::finite, {}, 2).status == Status::converged);
  REQUIRE(exact_criterion_change(stage, trap, Criterion::finite, {}, 3).message ==
          "the model has 3 stages, the world 2: a stage of its own is missing for the others (T3)");
}
