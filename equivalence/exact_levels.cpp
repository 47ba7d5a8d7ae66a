#include "equivalence/exact_levels.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "equivalence/level_verdicts.hpp"
#include "equivalence/policy_equivalence.hpp"
#include "libmdp/error.hpp"
#include "libmdp/io/extended.hpp"
#include "solvers/exact/exact_answer.hpp"

namespace mdp::equivalence {
namespace {

using io::Extended;
using enum EquivalenceLevel;

// |x - y| in extended values: 0 where both are +inf, +inf where one is.
Extended distance(const Extended& x, const Extended& y) {
  if (x.infinite == y.infinite && !x.is_finite()) return Extended(mpq_class(0));
  if (!x.is_finite() || !y.is_finite()) return Extended::infinity(1);
  return Extended(mpq_class(abs(x.finite - y.finite)));
}

// The largest of some distances that must all be 0, and the pair that has it.
class Equality {
 public:
  Equality(const Mdp& names, const char* what) : names_(names), what_(what) {}

  void take(State s, Action a, const Extended& distance) {
    if (!(largest_ < distance)) return;
    largest_ = distance;
    state_ = s;
    action_ = a;
  }

  [[nodiscard]] LevelVerdict verdict() const {
    LevelVerdict level;
    level.number = {io::round_down(largest_), io::round_up(largest_)};
    level.holds = state_ < 0 ? Verdict::yes : Verdict::no;
    level.state = state_;
    level.action = action_;
    level.reason = state_ < 0 ? std::string(what_) + " are equal"
                              : fmt::format("{}: {} differ by {:.6g}", pair_text(names_, state_, action_), what_,
                                            io::nearest(largest_));
    return level;
  }

 private:
  const Mdp& names_;
  const char* what_;
  Extended largest_ = Extended(mpq_class(0));
  State state_ = -1;
  Action action_ = -1;
};

Extended entry_distance(const io::ExactModel::Row& x, const io::ExactModel::Row& y) {
  if (x.inadmissible != y.inadmissible) return Extended::infinity(1);
  mpq_class largest = abs(x.cost - y.cost);
  std::map<std::int64_t, mpq_class> difference;
  for (const auto& [next, p] : x.to) difference[next] += p;
  for (const auto& [next, p] : y.to) difference[next] -= p;
  for (const auto& [next, d] : difference) largest = std::max(largest, mpq_class(abs(d)));
  return Extended(largest);
}

template <class F>
void each_pair(const Mdp& names, F&& f) {
  for (State s = 0; s < names.n_states(); ++s) {
    const Offset first = names.state_rows()[at(s)];
    for (Action a = 0; a < names.n_actions(s); ++a) f(s, a, at(first + a));
  }
}

LevelVerdict decide_entries(const Mdp& names, const io::ExactModel& world, const io::ExactModel& model) {
  if (world.discount != model.discount) {
    const Extended gap(mpq_class(abs(world.discount - model.discount)));
    LevelVerdict level;
    level.holds = Verdict::no;
    level.number = {io::round_down(gap), io::round_up(gap)};
    level.reason = fmt::format("the discounts differ by {:.6g}", io::nearest(gap));
    return level;
  }
  Equality entries(names, "costs and transitions");
  each_pair(names, [&](State s, Action a, std::size_t r) {
    entries.take(s, a, entry_distance(world.rows[r], model.rows[r]));
  });
  return entries.verdict();
}

// A* = Q* - V*, +inf where Q* is and V* is not; 0 where both are.
Extended advantage(const Extended& q, const Extended& value) {
  if (!value.is_finite()) return Extended(mpq_class(0));
  return q.is_finite() ? Extended(mpq_class(q.finite - value.finite)) : q;
}

void decide_optimal(const Mdp& names, const solvers::ExactAnswer& world, const solvers::ExactAnswer& model,
                    LevelsResult& result) {
  Equality q(names, "the Q*"), advantages(names, "the advantages");
  for (const auto level : {same_optimal_sets, every_optimal_policy, some_optimal_policy}) {
    result[level] = {};
    result[level].holds = Verdict::yes;
  }
  each_pair(names, [&](State s, Action a, std::size_t r) {
    q.take(s, a, distance(world.q[r], model.q[r]));
    const Extended &v = world.value[at(s)], &w = model.value[at(s)];
    const Extended x = advantage(world.q[r], v), y = advantage(model.q[r], w);
    advantages.take(s, a, v.is_finite() != w.is_finite() ? Extended::infinity(1) : distance(x, y));
    result.slack[r] =
        x.is_finite() && y.is_finite() ? io::nearest(Extended(mpq_class(y.finite - x.finite))) : not_computed;
  });
  result[same_q] = q.verdict();
  result[same_advantage] = advantages.verdict();
  for (State s = 0; s < names.n_states(); ++s) {
    const auto set = [&](const solvers::ExactAnswer& answer) {
      const auto first = answer.optimal.begin() + names.state_rows()[at(s)];
      return OptimalSet::exactly({first, first + names.n_actions(s)});
    };
    take_state(names, s, set(world), set(model), result);
    const Extended &v = world.value[at(s)], &w = model.value[at(s)];
    result.potential[at(s)] =
        v.is_finite() && w.is_finite() ? io::nearest(Extended(mpq_class(w.finite - v.finite))) : not_computed;
  }
}

LevelVerdict decide_policies(const Mdp& names, const io::ExactModel& world, const io::ExactModel& model,
                             double time_limit_seconds) {
  const PolicyEquivalence found = decide_policy_equivalence(world, model, time_limit_seconds);
  LevelVerdict level;
  level.holds = found.holds;
  level.state = static_cast<State>(found.state);
  level.reason =
      found.state < 0 ? found.reason : fmt::format("state {}: {}", names.state_name(level.state), found.reason);
  level.number = found.holds == Verdict::yes  ? bounds::Interval{0.0, 0.0}
                 : found.holds == Verdict::no ? bounds::Interval{found.difference, infinity}
                                              : bounds::Interval{0.0, infinity};
  if (found.weights.empty()) return level;
  level.policy.assign(found.weights.begin(), found.weights.end());
  for (State s = 0; s < names.n_states(); ++s) {
    const auto first = level.policy.begin() + names.state_rows()[at(s)];
    double sum = 0.0;
    for (Offset a = 0; a < names.n_actions(s); ++a) sum += first[a];
    for (Offset a = 0; sum > 0.0 && a < names.n_actions(s); ++a) first[a] /= sum;
    if (!(sum > 0.0)) first[0] = 1.0;  // every action is infinite here
  }
  return level;
}

// Delta of T4': what V* makes of the model's row, less Q*; 0 where both are infinite.
Extended residual(const io::ExactModel& model, std::size_t row, const solvers::ExactAnswer& world) {
  const auto& own = model.rows[row];
  Extended q = own.inadmissible ? Extended::infinity(1) : Extended(own.cost);
  for (const auto& [next, p] : own.to) {
    if (!q.is_finite() || model.discount == 0) break;
    const Extended& v = world.value[at(next)];
    q = v.is_finite() ? Extended(mpq_class(q.finite + model.discount * p * v.finite)) : v;
  }
  if (q.is_finite() && world.q[row].is_finite()) return Extended(mpq_class(q.finite - world.q[row].finite));
  return q.is_finite() ? Extended::infinity(-1) : world.q[row].is_finite() ? q : Extended(mpq_class(0));
}

// [n_states] V^pi - V* of the model's policy in the world; empty if a limit stopped it.
std::vector<Extended> regret_of(const Mdp& names, const io::ExactModel& world, const solvers::ExactAnswer& in_world,
                                const Policy& policy, const solvers::ExactOptions& options) {
  std::vector<Extended> regret(at(names.n_states()), Extended(mpq_class(0)));
  bool is_optimal = true;
  for (State s = 0; s < names.n_states(); ++s) {
    is_optimal = is_optimal && in_world.optimal[at(selected_row(names, policy, s))] != 0;
  }
  if (is_optimal) return regret;
  const auto own =
      solvers::evaluate_exact(world, solvers::exact_weights(world, policy), solvers::Criterion::discounted, options);
  if (!own.converged()) return {};
  for (std::size_t s = 0; s < regret.size(); ++s) regret[s] = distance(own.value[s], in_world.value[s]);
  return regret;
}

// The numbers of the candidate, which were those of doubles.
void set_numbers(const Mdp& names, const io::ExactModel& model, const solvers::ExactAnswer& in_world,
                 const std::vector<Extended>& regret, LevelsResult& result) {
  CandidateResult& candidate = result.candidate;
  candidate.distance.norm = result[same_q].number;
  candidate.defect.delta.resize(at(names.n_rows()));
  each_pair(names, [&](State, Action, std::size_t row) {
    candidate.defect.delta[row] = io::nearest(residual(model, row, in_world));
  });
  if (regret.empty()) return;
  candidate.max_regret = {0.0, 0.0};
  for (auto* column : {&candidate.regret, &candidate.regret_lower, &candidate.regret_upper})
    column->resize(regret.size());
  for (std::size_t s = 0; s < regret.size(); ++s) {
    candidate.regret[s] = io::nearest(regret[s]);
    candidate.regret_lower[s] = io::round_down(regret[s]);
    candidate.regret_upper[s] = io::round_up(regret[s]);
    candidate.max_regret = {std::max(candidate.max_regret.lower, candidate.regret_lower[s]),
                            std::max(candidate.max_regret.upper, candidate.regret_upper[s])};
  }
}

void add_reasons(LevelsResult& result) {
  const std::pair<EquivalenceLevel, const char*> reasons[] = {
      {same_optimal_sets, "the same actions are optimal in every state"},
      {every_optimal_policy, "in every state what is optimal in the model is optimal in the world"},
      {some_optimal_policy, "in every state some action is optimal in both"},
  };
  for (const auto& [level, text] : reasons) {
    if (result[level].holds == Verdict::yes) result[level].reason = text;
  }
}

}  // namespace

void decide_exactly(const Mdp& names, const io::ExactModel& world, const io::ExactModel& model,
                    const solvers::SolveOptions& options, LevelsResult& result) {
  if (world.discount >= 1 || model.discount >= 1) throw InvalidArgument("exact levels: both discounts must be below 1");
  solvers::ExactOptions exact;
  exact.criterion.solve = options;
  const auto in_world = solvers::solve_exact(world, solvers::Criterion::discounted, exact);
  if (!in_world.converged()) {
    result.message += "; not decided in rationals: the world: " + in_world.message;
    return;
  }
  const auto in_model = solvers::solve_exact(model, solvers::Criterion::discounted, exact);
  if (!in_model.converged()) {
    result.message += "; not decided in rationals: the model: " + in_model.message;
    return;
  }
  result.precision = Level::exact;
  result.potential.assign(at(names.n_states()), not_computed);
  result.slack.assign(at(names.n_rows()), not_computed);
  decide_optimal(names, in_world, in_model, result);
  add_reasons(result);
  result[same_mdp] = decide_entries(names, world, model);
  result[every_policy] = decide_policies(names, world, model, options.time_limit_seconds);
  close_under_implication(result);
  set_numbers(names, model, in_world, regret_of(names, world, in_world, in_model.policy, exact), result);
}

}  // namespace mdp::equivalence
