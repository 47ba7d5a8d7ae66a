#include "equivalence/criterion_change.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "equivalence/level_verdicts.hpp"
#include "equivalence/q_table.hpp"
#include "equivalence/rebuild.hpp"
#include "equivalence/shaped_cost.hpp"
#include "libmdp/error.hpp"
#include "libmdp/graph/closure.hpp"
#include "libmdp/vectors.hpp"

namespace mdp::equivalence {
namespace {

using bounds::Interval;
using solvers::Criterion;
using solvers::CriterionOptions;
using solvers::CriterionResult;

// Advantages of a world whose values are not enclosed (average) that count as ties, relative to the values.
constexpr double approximate_tie = 1e-8;

bool is_undiscounted(Criterion criterion) {
  return criterion == Criterion::goal || criterion == Criterion::total || criterion == Criterion::average;
}

// W = min_a Q of each state.
std::vector<double> minima(const Mdp& mdp, std::span<const double> q) {
  std::vector<double> w;
  for (State s = 0; s < mdp.n_states(); ++s) {
    const auto first = q.begin() + mdp.state_rows()[at(s)];
    w.push_back(*std::min_element(first, first + mdp.n_actions(s)));
  }
  return w;
}

// What has been computed of the construction when it comes to its conditions.
struct Work {
  const Mdp& world;
  const WorldTarget& target;
  const CriterionOptions& world_options;
  const CriterionChangeOptions& options;
  std::vector<double> w;          // [n_states] W, the values that are reproduced
  std::vector<double> advantage;  // [n_rows] +inf at excluded pairs
  double radius = 0.0;            // of V* around W; 0 and not certified for an approximate world

  [[nodiscard]] bool certified() const { return !target.lower.empty(); }
  [[nodiscard]] CriterionOptions model_options() const {
    CriterionOptions result;
    result.solve = options.solve;
    result.solve.start.clear();
    return result;
  }
};

void refuse(CriterionChange& result, std::string message) {
  result.status = Status::refused;
  result.message = std::move(message);
}

// The model's solve against W - c. It contradicts the construction if they are certainly further apart than promised.
void accept(Confirmation found, const Work& work, std::span<const double> w, CriterionChange& result) {
  const double promised = result.spread + 2.0 * work.radius + 1e-6 * std::max(1.0, max_abs_finite(w));
  if (found.status != Status::converged) {
    result.status = found.status;
    result.message = "the model: " + found.message;
  } else if (found.error.lower > promised) {
    refuse(result, fmt::format("solving the model contradicts the construction: its {} {:.3g} away",
                               found.how == "gain and bias" ? "gain or bias is" : "values are", found.error.lower));
  }
  result.confirmation = std::move(found);
}

void confirm(const CriterionResult& solved, std::string how, const Work& work, std::span<const double> w,
             CriterionChange& result) {
  const bool enclosed = !solved.value_lower.empty();
  const Interval error =
      distance_of_values(solved.values, solved.value_lower, solved.value_upper, w, result.shift, work.radius);
  accept({solved.status, std::move(how), error, enclosed && work.certified(), solved.message}, work, w, result);
}

// Stage k of a finite world: Q_k and W_k from V_{k+1}; the same in every stage for the others.
struct Stages {
  std::vector<std::vector<double>>
      values;  // [N^ + 1][n_states] W_k that the model is to have; the last is its terminal cost
  std::vector<std::vector<double>> cost;  // [N^][n_rows]
  std::vector<double> radius;             // [N^] of the world's V_{k+1} around what stage k was made from
};

// Stage k, solved from the values of the stage after it, which are within `behind` of V^_{k+1}. The largest error of all stages stays.
void confirm_stage(const CriterionResult& solved, std::string how, const Work& work, const Stages& stages,
                   std::size_t k, double behind, CriterionChange& result) {
  const auto& w = stages.values[k];
  const double radius = bounds::round_up(stages.radius[k] + behind);
  Interval error = distance_of_values(solved.values, solved.value_lower, solved.value_upper, w, result.shift, radius);
  bool certified = !solved.value_lower.empty() && work.certified();
  if (result.confirmation) {
    error = {std::max(error.lower, result.confirmation->error.lower),
             std::max(error.upper, result.confirmation->error.upper)};
    certified = certified && result.confirmation->certified;
  }
  accept({solved.status, std::move(how), error, certified, solved.message}, work, w, result);
}

// "Q^* = Q* - 5", c in the sense of the file.
std::string shifted(const Mdp& world, double c) {
  const double own = world.objective() == Objective::maximize ? -c : c;
  return fmt::format("Q^* = Q* {} {:.6g}", own < 0.0 ? '+' : '-', std::abs(own));
}

void change_to_discounted(const Work& work, CriterionChange& result) {
  result.message = "Q^* = Q* at every pair (T1)";
  confirm(solvers::solve_criterion(*result.model, Criterion::discounted, work.model_options()), "discounted", work,
          work.w, result);
}

std::vector<TwoDouble> wide(std::span<const double> x) { return {x.begin(), x.end()}; }

std::vector<TwoDouble> advantages_of(const Mdp& mdp, const QTable& table) {
  std::vector<TwoDouble> advantage(table.q.size(), infinity);
  for (State s = 0; s < mdp.n_states(); ++s) {
    const TwoDouble own = table.minimum[at(s)];
    for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
      if (own.hi < infinity && table.q[at(row)].hi < infinity) advantage[at(row)] = table.q[at(row)] - own;
    }
  }
  return advantage;
}

// T2 stage by stage, backwards: L^_k = A_k + W_k - gamma^ P^ next, next the model's own terminal cost in the last stage.
Stages stages_of(const Work& work, const Mdp& model) {
  const auto n = at(work.options.horizon);
  Stages stages;
  stages.values.resize(n + 1);
  stages.cost.resize(n);
  stages.radius.assign(n, work.radius);
  std::vector<std::vector<double>> next_of_world(n, std::vector<double>(work.target.values));
  if (work.target.criterion == Criterion::finite) {
    CriterionOptions one = work.world_options;
    one.horizon = 1;
    one.terminal.resize(at(work.world.n_states()), 0.0);
    double radius = 0.0;
    for (std::size_t k = at(work.target.stages); k-- > 0;) {
      if (k + 1 == n) stages.values[n] = one.terminal;
      if (k < n) {
        next_of_world[k] = one.terminal;
        stages.radius[k] = radius;
      }
      const auto solved = solvers::solve_criterion(work.world, Criterion::finite, one);
      one.terminal = solved.values;
      radius = bounds::round_up(radius + solved.value_error_bound);
    }
  } else {
    stages.values[n] = work.w;
  }
  if (!work.options.terminal.empty()) stages.values[n] = work.options.terminal;
  for (std::size_t k = n; k-- > 0;) {
    const QTable table =
        q_table(work.target.step, with_goal_values(work.target.step, next_of_world[k]), work.options.solve.threads);
    const auto next = k + 1 == n ? wide(stages.values[n]) : wide(stages.values[k + 1]);
    const auto cost =
        shaped_cost(model, advantages_of(work.world, table), table.minimum, next, work.options.solve.threads);
    stages.cost[k].assign(cost.cost.begin(), cost.cost.end());
    for (const TwoDouble& own : table.minimum) stages.values[k].push_back(own.hi);
  }
  return stages;
}

void change_to_finite(const Work& work, CriterionChange& result) {
  const std::int64_t n = work.options.horizon;
  CriterionOptions options = work.model_options();
  const bool stationary = work.target.criterion != Criterion::finite && work.options.terminal.empty();
  if (stationary) {
    result.terminal = work.w;
    result.message = "Q^*_k = Q* in every stage, with terminal cost V* (T2)";
    options.horizon = n;
    options.terminal = work.w;
    const auto solved = solvers::solve_criterion(*result.model, Criterion::finite, options);
    confirm(solved, fmt::format("{} stages", n), work, work.w, result);
    for (const auto& values : solved.value_by_stage) {
      const Interval error = distance_of_values(values, {}, {}, work.w, result.shift, work.radius);
      result.confirmation->error.upper = std::max(result.confirmation->error.upper, error.upper);
    }
    return;
  }
  Stages stages = stages_of(work, *result.model);
  result.message = work.target.criterion == Criterion::finite
                       ? "Q^*_k = Q*_k in every stage (T2)"
                       : "Q^*_k = Q* in every stage, the last one's cost made for the terminal cost (T2)";
  options.horizon = 1;
  options.terminal = stages.values.back();
  double behind = 0.0;  // of V^_{k+1} around options.terminal: a minimum of means passes errors on, not enlarged
  for (std::size_t k = stages.cost.size(); k-- > 0;) {
    const Mdp stage =
        without_lost_goals(result.model->with_cost(Buffer<double>(stages.cost[k].begin(), stages.cost[k].end())));
    const auto solved = solvers::solve_criterion(stage, Criterion::finite, options);
    confirm_stage(solved, fmt::format("{} stages, one by one", n), work, stages, k, behind, result);
    options.terminal = solved.values;
    behind = bounds::round_up(behind + solved.value_error_bound);
    if (k == 0) result.model = stage;
  }
  result.terminal = std::move(stages.values.back());
  result.cost.cost = stages.cost.front();  // as the model has it
  result.cost_by_stage = std::move(stages.cost);
}

// V* = c on the goals, absorbing, without advantage; zero-advantage actions reach them almost surely.
void change_to_goal(const Work& work, CriterionChange& result) {
  const Mdp& model = *result.model;
  const auto own = model.goal();
  const std::vector<State> goals = own.empty() ? std::vector<State>(work.world.goal().begin(), work.world.goal().end())
                                               : std::vector<State>(own.begin(), own.end());
  if (goals.empty()) return refuse(result, "criterion goal: neither the model nor the world has a goal state");
  Interval c{infinity, -infinity};
  graph::StateSet target(work.w.size(), 0), finite(work.w.size(), 0);
  for (const State s : goals) {
    target[at(s)] = 1;
    c = {std::min(c.lower, work.w[at(s)]), std::max(c.upper, work.w[at(s)])};
    for (Action a = 0; a < model.n_actions(s); ++a) {
      const auto row = at(model.state_rows()[at(s)] + a);
      const bool stays = model.row_begin()[row + 1] - model.row_begin()[row] == 1 &&
                         model.next_state()[at(model.row_begin()[row])] == s;
      if (!stays) return refuse(result, "criterion goal: " + pair_text(model, s, a) + " leaves a goal state");
      if (work.advantage[row] != 0.0) {
        return refuse(
            result,
            fmt::format(
                "criterion goal: {} has advantage {:.6g} in a goal state, where only cost-free actions may stay",
                pair_text(model, s, a), work.advantage[row]));
      }
    }
  }
  if (!(c.upper < infinity)) return refuse(result, "criterion goal: V* is infinite at a goal state");
  if (c.upper - c.lower > 2.0 * work.radius + 1e-12 * max_abs_finite(work.w)) {
    return refuse(result, fmt::format("criterion goal: V* is not the same at all goal states: from {:.6g} to {:.6g}",
                                      c.lower, c.upper));
  }
  graph::RowMask zero(work.advantage.size(), 0);
  for (std::size_t s = 0; s < work.w.size(); ++s) finite[s] = work.w[s] < infinity ? 1 : 0;
  for (std::size_t r = 0; r < zero.size(); ++r)
    zero[r] = work.advantage[r] == 0.0 && finite[at(model.state_of(static_cast<Offset>(r)))] != 0;
  const auto reaching = graph::almost_surely_reaching(model, graph::Predecessors(model), target, finite, zero);
  for (State s = 0; s < model.n_states(); ++s) {
    if (finite[at(s)] == 0 || reaching[at(s)] != 0) continue;
    return refuse(
        result, fmt::format("criterion goal: from state {} no zero-advantage policy reaches a goal almost surely (T3)",
                            model.state_name(s)));
  }
  result.shift = c;
  result.spread = c.upper - c.lower;
  result.model = with_goals(model, goals);
  result.message = shifted(work.world, c.upper) + " for the policies that reach the goal (T3)";
  CriterionOptions options = work.model_options();
  options.improper = solvers::Improper::excluded;
  confirm(solvers::solve_criterion(*result.model, Criterion::goal, options), "goal", work, work.w, result);
}

void change_to_undiscounted(const Work& work, CriterionChange& result) {
  result.boundary = boundary_term(*result.model, work.w, work.advantage, work.options.solve, work.radius);
  const BoundaryTerm& term = *result.boundary;
  const bool average = work.options.criterion == Criterion::average;
  if (term.holds == Verdict::no) {
    return refuse(result, fmt::format("condition M(c) of T3 fails: {}{}", term.reason,
                                      average ? "; the gain is 0 in every state all the same" : ""));
  }
  result.shift = term.constant;
  result.spread = term.spread;
  result.message =
      fmt::format("{}{} (T3{})", average ? "gain 0 and bias V* - c; " : "", shifted(work.world, term.constant.upper),
                  term.spread > 0.0 ? fmt::format(", equal means up to {:.2g}", term.spread) : "");
  if (!average) {
    const auto solved = solvers::solve_criterion(*result.model, Criterion::total, work.model_options());
    if (solved.status == Status::converged) return confirm(solved, "total", work, work.w, result);
    result.message += ", of the Cesaro sum: the sum itself does not settle";
  }
  // The total sum oscillates, or is known to rounding only: its Cesaro limit is the bias.
  accept(confirm_gain_and_bias(*result.model, term, work.w, result.shift, work.radius, work.certified(),
                               work.model_options()),
         work, work.w, result);
}

}  // namespace

std::string CriterionChangeOptions::check() const {
  if (criterion == Criterion::reach) return "criterion = reach, required discounted, finite, goal, total or average";
  if (criterion == Criterion::finite && horizon < 1)
    return "horizon = " + std::to_string(horizon) + ", required >= 1 for criterion finite";
  if (criterion != Criterion::finite && (horizon != -1 || !terminal.empty()))
    return "horizon and terminal belong to criterion finite";
  return solve.check();
}

CriterionChange change_criterion(const Mdp& world, const WorldTarget& target,
                                 const CriterionOptions& world_criterion_options, const Mdp& model,
                                 const CriterionChangeOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  if (options.criterion == Criterion::discounted && !(model.discount() < 1.0)) {
    throw InvalidArgument("the model's discount is 1: criterion discounted needs one below 1");
  }
  CriterionChange result;
  if (target.status != Status::converged) {
    result.status = target.status;
    result.message = "the world: " + target.message;
    return result;
  }
  if (target.criterion == Criterion::finite && options.horizon > target.stages) {
    refuse(result,
           fmt::format("the model has {} stages, the world {}: a stage of its own is missing for the others (T3)",
                       options.horizon, target.stages));
    return result;
  }
  if (!options.terminal.empty() && options.terminal.size() != at(world.n_states())) {
    throw InvalidArgument(
        fmt::format("terminal cost of {} entries, required n_states = {}", options.terminal.size(), world.n_states()));
  }
  const bool undiscounted = is_undiscounted(options.criterion);
  const Mdp seen = undiscounted ? model.with_discount(1.0) : model;
  const KnownValues known = target.known();
  result.cost = equivalent_cost(
      target.step, known, seen,
      {.exclude_violations = options.exclude_violations,
       .ties_as_equal = undiscounted,
       .tie_tolerance = known.certified() ? 0.0 : approximate_tie * std::max(1.0, max_abs_finite(known.values)),
       .threads = options.solve.threads});
  result.model = result.cost.model;
  result.shift = {0.0, 0.0};
  if (result.cost.n_violations > 0 && (result.cost.scope == Scope::none || !options.exclude_violations)) {
    refuse(result, result.cost.message);
    return result;
  }
  Work work{world,
            target,
            world_criterion_options,
            options,
            minima(world, result.cost.q),
            result.cost.advantage,
            known.certified() ? known.radius() : 0.0};
  for (std::size_t r = 0; r < work.advantage.size(); ++r) {
    if (result.cost.cost[r] == infinity) work.advantage[r] = infinity;
  }
  result.status = Status::converged;
  switch (options.criterion) {
    case Criterion::discounted: change_to_discounted(work, result); break;
    case Criterion::finite: change_to_finite(work, result); break;
    case Criterion::goal: change_to_goal(work, result); break;
    default: change_to_undiscounted(work, result); break;
  }
  return result;
}

}  // namespace mdp::equivalence
