#include "equivalence/levels.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "equivalence/enclosed_q.hpp"
#include "equivalence/level_verdicts.hpp"
#include "equivalence/shape.hpp"
#include "libmdp/error.hpp"
#include "solvers/evaluation.hpp"

namespace mdp::equivalence {
namespace {

using bounds::Interval;
using enum EquivalenceLevel;
using kernels::AccurateRow;

Interval outward(TwoDouble lower, TwoDouble upper, double rounding) {
  return {bounds::round_down(lower.hi - rounding), bounds::round_up(upper.hi + rounding)};
}

double distance_from_zero(const Interval& x) { return std::max({0.0, x.lower, -x.upper}); }
double largest_absolute(const Interval& x) { return std::max(std::abs(x.lower), std::abs(x.upper)); }

// A level that asks for equality of numbers: the largest difference so far, and the pair that shows it best.
void take_difference(const Mdp& world, State s, Action a, const Interval& difference, const char* name,
                     LevelVerdict& level) {
  const double at_least = distance_from_zero(difference);
  level.number.upper = std::max(level.number.upper, largest_absolute(difference));
  if (level.state >= 0 && at_least <= level.number.lower) return;
  level.number.lower = at_least;
  level.state = s;
  level.action = a;
  if (!(at_least > 0.0)) return;
  level.holds = Verdict::no;
  level.reason = pair_text(world, s, a) + ": " + name + fmt::format(" differ by at least {:.3g}", at_least);
}

// E0: entries, pair by pair.
class SameEntries {
 public:
  SameEntries(const Mdp& world, const Mdp& model)
      : world_(world), model_(model), world_rows_(world), model_rows_(model) {}

  // Largest difference of an entry of the pair, enclosed.
  Interval operator()(Offset row) const {
    const auto r = static_cast<std::size_t>(row);
    const bool one_infinite = (world_.cost()[r] == infinity) != (model_.cost()[r] == infinity);
    if (one_infinite) return {infinity, infinity};
    Interval largest{0.0, 0.0};
    if (world_.cost()[r] < infinity) {
      const double size = std::abs(world_.cost()[r]) + std::abs(model_.cost()[r]);
      const double slack = size * (world_.entry_error().cost + model_.entry_error().cost + 0x1p-100) +
                           world_.entry_error().cost_absolute + model_.entry_error().cost_absolute;
      widen((world_rows_.cost(row) - model_rows_.cost(row)).hi, slack, largest);
    }
    const TwoDouble world_sum = world_rows_.sum(row), model_sum = model_rows_.sum(row);
    const double slack = world_.entry_error().probability + model_.entry_error().probability + 0x1p-94;
    Offset j = world_rows_.first(row), k = model_rows_.first(row);
    while (j < world_rows_.last(row) || k < model_rows_.last(row)) {
      const State in_world = j < world_rows_.last(row) ? world_rows_.next(j) : world_.n_states();
      const State in_model = k < model_rows_.last(row) ? model_rows_.next(k) : world_.n_states();
      TwoDouble difference;
      if (in_world <= in_model) difference = difference + world_rows_.entry(j++) / world_sum;
      if (in_model <= in_world) difference = difference - model_rows_.entry(k++) / model_sum;
      widen(difference.hi, in_world == in_model ? slack : 0.0, largest);  // probabilities are > 0: supports are certain
    }
    return largest;
  }

  [[nodiscard]] Interval discount() const {
    Interval difference{0.0, 0.0};
    widen((world_.exact_discount().complement - model_.exact_discount().complement).hi, 0x1p-100, difference);
    return difference;
  }

 private:
  static void widen(double difference, double slack, Interval& largest) {
    largest.lower = std::max(largest.lower, std::abs(difference) - slack);
    largest.upper = std::max(largest.upper, bounds::round_up(std::abs(difference) + slack));
  }

  const Mdp& world_;
  const Mdp& model_;
  AccurateRow world_rows_, model_rows_;
};

void decide_entries(const Mdp& world, const Mdp& model, LevelsResult& result) {
  const SameEntries entries(world, model);
  LevelVerdict& level = result[same_mdp];
  level.number = {0.0, 0.0};
  if (const Interval discount = entries.discount(); discount.lower > 0.0) {
    level.holds = Verdict::no;
    level.number = discount;
    level.reason = "the discounts differ";
    return;
  }
  for (State s = 0; s < world.n_states(); ++s) {
    const Offset first = world.state_rows()[static_cast<std::size_t>(s)];
    for (Action a = 0; a < world.n_actions(s); ++a) {
      take_difference(world, s, a, entries(first + a), "costs or probabilities", level);
    }
  }
}

// Q of the actions of one state, and what follows for its value and advantages.
struct StateView {
  std::vector<QInterval> q;
  QInterval value{infinity, infinity};
  OptimalSet optimal;
  double rounding = 0.0;

  StateView(const Mdp& mdp, const EnclosedQ& enclosed, double rounding_bound, State s) : rounding(rounding_bound) {
    const Offset first = mdp.state_rows()[static_cast<std::size_t>(s)];
    for (Action a = 0; a < mdp.n_actions(s); ++a) {
      q.push_back(enclosed(s, first + a));
      if (q.back().lower < value.lower) value.lower = q.back().lower;
      if (q.back().upper < value.upper) value.upper = q.back().upper;
    }
    std::vector<char> possible(q.size(), 1);
    if (is_infinite(value)) {
      optimal = OptimalSet::exactly(possible);
      return;
    }
    for (std::size_t a = 0; a < q.size(); ++a) {
      possible[a] = (q[a].lower - value.upper).hi - 2.0 * rounding <= 0.0 ? 1 : 0;
    }
    optimal = OptimalSet::from_possible(std::move(possible));
  }

  // A* of a finite action; 0 where it is certainly optimal.
  [[nodiscard]] Interval advantage(std::size_t a) const {
    if (optimal.sure[a] != 0) return {0.0, 0.0};
    const Interval x = outward(q[a].lower - value.upper, q[a].upper - value.lower, 2.0 * rounding);
    return {std::max(0.0, x.lower), x.upper};
  }

  // How far from optimal an action that may be optimal can be; 0 where the set is known.
  [[nodiscard]] double tie() const {
    double largest = 0.0;
    for (std::size_t a = 0; a < q.size(); ++a) {
      if (optimal.possible[a] != 0 && optimal.sure[a] == 0) largest = std::max(largest, advantage(a).upper);
    }
    return largest;
  }
};

// A^* - A* of an action, in extended values: both infinite is equal, one infinite is not.
Interval advantage_difference(const StateView& world, const StateView& model, std::size_t a) {
  const bool model_infinite = is_infinite(model.q[a]), world_infinite = is_infinite(world.q[a]);
  if (model_infinite && world_infinite) return {0.0, 0.0};
  if (model_infinite || world_infinite) return {infinity, infinity};
  const Interval x = model.advantage(a), y = world.advantage(a);
  return {bounds::round_down(x.lower - y.upper), bounds::round_up(x.upper - y.lower)};
}

Interval q_difference(const StateView& world, const StateView& model, std::size_t a) {
  const bool model_infinite = is_infinite(model.q[a]), world_infinite = is_infinite(world.q[a]);
  if (model_infinite && world_infinite) return {0.0, 0.0};
  if (model_infinite || world_infinite) return {infinity, infinity};
  return outward(model.q[a].lower - world.q[a].upper, model.q[a].upper - world.q[a].lower,
                 model.rounding + world.rounding);
}

void set_certificate(const StateView& world, const StateView& model, State s, Offset first, LevelsResult& result) {
  const auto middle = [](const QInterval& q) { return ((q.lower + q.upper) * 0.5).hi; };
  if (!is_infinite(world.value) && !is_infinite(model.value)) {
    result.potential[static_cast<std::size_t>(s)] = middle(model.value) - middle(world.value);
  }
  for (std::size_t a = 0; a < world.q.size(); ++a) {
    if (is_infinite(world.q[a]) || is_infinite(model.q[a])) continue;
    const Interval difference = advantage_difference(world, model, a);
    result.slack[static_cast<std::size_t>(first) + a] = 0.5 * (difference.lower + difference.upper);
  }
}

void decide_optimal(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                    const KnownValues& model_values, LevelsResult& result) {
  const EnclosedQ in_world(world, world_values), in_model(model, model_values);
  const double world_rounding = in_world.rounding_bound(), model_rounding = in_model.rounding_bound();
  result.potential.assign(static_cast<std::size_t>(world.n_states()), not_computed);
  result.slack.assign(static_cast<std::size_t>(world.n_rows()), not_computed);
  for (const auto level : {same_q, same_advantage}) result[level].number = {0.0, 0.0};
  for (const auto level : {same_optimal_sets, every_optimal_policy, some_optimal_policy}) {
    result[level].holds = Verdict::yes;
    result[level].number = {};
  }
  for (State s = 0; s < world.n_states(); ++s) {
    const StateView w(world, in_world, world_rounding, s), m(model, in_model, model_rounding, s);
    const bool one_infinite = is_infinite(w.value) != is_infinite(m.value);
    for (std::size_t a = 0; a < w.q.size(); ++a) {
      const auto action = static_cast<Action>(a);
      take_difference(world, s, action, q_difference(w, m, a), "the Q*", result[same_q]);
      take_difference(world, s, action, one_infinite ? Interval{infinity, infinity} : advantage_difference(w, m, a),
                      "the advantages", result[same_advantage]);
    }
    take_state(world, s, w.optimal, m.optimal, result);
    for (const auto level : {same_optimal_sets, every_optimal_policy, some_optimal_policy}) {
      if (result[level].state != s) continue;
      const bool open = result[level].holds == Verdict::undecided;
      result[level].number = open ? Interval{0.0, std::max(w.tie(), m.tie())} : Interval{};
    }
    set_certificate(w, m, s, world.state_rows()[static_cast<std::size_t>(s)], result);
  }
}

// E2 on one policy: where its values certainly differ, if they do.
void try_policy(const Mdp& world, const Mdp& model, StochasticPolicy policy, const solvers::SolveOptions& options,
                LevelVerdict& level) {
  const auto in_world = solvers::evaluate(world, policy, options);
  const auto in_model = solvers::evaluate(model, policy, options);
  if (in_world.value_lower.empty() || in_model.value_lower.empty()) return;
  for (State s = 0; s < world.n_states(); ++s) {
    const auto i = static_cast<std::size_t>(s);
    const bool world_infinite = in_world.values[i] == infinity, model_infinite = in_model.values[i] == infinity;
    if (world_infinite && model_infinite) continue;
    const double gap = world_infinite || model_infinite
                           ? infinity
                           : std::max(bounds::round_down(in_world.value_lower[i] - in_model.value_upper[i]),
                                      bounds::round_down(in_model.value_lower[i] - in_world.value_upper[i]));
    if (!(gap > level.number.lower)) continue;
    level.number.lower = gap;
    level.holds = Verdict::no;
    level.state = s;
  }
  if (level.holds != Verdict::no) return;
  level.policy = std::move(policy);
  level.reason = "state " + world.state_name(level.state) + ": the values of a randomised policy differ by at least " +
                 fmt::format("{:.3g}", level.number.lower);
}

void decide_policies(const Mdp& world, const Policy& world_policy, const Mdp& model, const LevelsOptions& options,
                     LevelsResult& result) {
  LevelVerdict& level = result[every_policy];
  level.number = {0.0, infinity};
  const auto n = static_cast<std::size_t>(world.n_rows());
  std::mt19937_64 random(1);  // any seed: a policy that differs is checked, not trusted
  for (int i = 0; i < options.n_policies && level.holds != Verdict::no; ++i) {
    StochasticPolicy weights(n, 1.0);
    if (i > 0) std::generate(weights.begin(), weights.end(), [&] { return static_cast<double>(1 + random() % 64); });
    for (State s = 0; s < world.n_states(); ++s) {
      const auto first = weights.begin() + world.state_rows()[static_cast<std::size_t>(s)];
      double sum = 0.0;
      for (Offset a = 0; a < world.n_actions(s); ++a) sum += first[a];
      for (Offset a = 0; a < world.n_actions(s); ++a) first[a] /= sum;
    }
    try_policy(world, model, std::move(weights), options.solve, level);
  }
  for (const Policy& policy : {world_policy, result.candidate.model.policy}) {
    if (level.holds != Verdict::no) try_policy(world, model, to_stochastic(world, policy), options.solve, level);
  }
  if (level.holds == Verdict::undecided) {
    level.reason = "no policy tried has values that certainly differ; equality is for rationals to decide";
  }
}

// The greedy policy of the world's values, ties to the lowest position.
Policy greedy(const Mdp& world, const KnownValues& values) {
  const EnclosedQ q(world, values);
  Policy policy(static_cast<std::size_t>(world.n_states()), 0);
  for (State s = 0; s < world.n_states(); ++s) {
    const Offset first = world.state_rows()[static_cast<std::size_t>(s)];
    TwoDouble best = infinity;
    for (Action a = 0; a < world.n_actions(s); ++a) {
      const TwoDouble upper = q(s, first + a).upper;
      if (upper < best) best = upper, policy[static_cast<std::size_t>(s)] = a;
    }
  }
  return policy;
}

void explain_undecided(LevelsResult& result) {
  for (const auto level : {same_mdp, same_q, same_advantage}) {
    if (result[level].holds == Verdict::undecided && result[level].reason.empty()) {
      result[level].reason = fmt::format("equal within {:.3g}; that they are equal is for rationals to decide",
                                         result[level].number.upper);
    }
  }
}

}  // namespace

std::string LevelsOptions::check() const {
  if (n_policies < 0) return "n_policies = " + std::to_string(n_policies) + ", required >= 0";
  return solve.check();
}

LevelsResult check_levels(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                          const LevelsOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  require_same_shape(world, model);
  if (!(model.discount() < 1.0)) {
    throw InvalidArgument(
        "the model's discount is 1: the levels of equivalence are defined for a discount below 1 (T4')");
  }
  LevelsResult result;
  result.candidate = assess_candidate(world, world_values, model, {options.solve});
  result.status = result.candidate.status;
  result.message = result.candidate.message;
  decide_entries(world, model, result);
  const solvers::SolveResult& solved = result.candidate.model;
  if (solved.value_error_bound < infinity) {
    decide_optimal(world, world_values, model, solved, result);
    decide_policies(world, greedy(world, world_values), model, options, result);
  }
  explain_undecided(result);
  close_under_implication(result);
  return result;
}

}  // namespace mdp::equivalence
