#include "solvers/absorbing_methods.hpp"

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "libmdp/graph/closure.hpp"
#include "solvers/absorbing_start.hpp"
#include "solvers/goal_enclosure.hpp"
#include "solvers/goal_quotient.hpp"
#include "solvers/interval_iteration.hpp"

namespace mdp::solvers {
namespace {

constexpr State few_states = 300;          // elimination of them takes milliseconds
constexpr State rather_few_states = 2000;  // of more, iterations end sooner where they end
constexpr State many_states = 50'000;      // whether elimination is cheap is looked at up to here

MethodAnswer iterate(const GoalProblem& problem, std::unique_ptr<GoalStep> step, Run& run) {
  AbsorbingAnswer answer = iterate_until_goal(problem, *step, run);
  return {std::move(answer), step->name(), ""};
}

MethodAnswer by_elimination(const graph::ReducedMdp& m, std::span<const double> values, Run& run) {
  return {solve_absorbing(m, run, values), "policy iteration (elimination)", ""};
}

// Nothing is paid on any row: every value is 0 exactly, and the policy of the approach has it.
bool pays_nothing(const GoalProblem& problem) {
  if (problem.uncertainty.cost > 0.0) return false;
  for (const double c : problem.mdp.cost()) {
    if (c != 0.0 && c < infinity) return false;
  }
  return true;
}

MethodAnswer zero(const GoalProblem& problem) {
  const auto n = static_cast<std::size_t>(problem.mdp.n_states());
  AbsorbingAnswer a{AbsorbingEnd::enclosed, std::vector<TwoDouble>(n), std::vector<double>(n), std::vector<double>(n),
                    problem.start.rows};
  for (const State s : problem.mdp.goal())
    a.rows[static_cast<std::size_t>(s)] = problem.mdp.state_rows()[static_cast<std::size_t>(s)];
  return {std::move(a), "graph", ""};
}

// v around the quotient's values, from both sides.
AbsorbingAnswer enclose_on_quotient(const graph::ReducedMdp& m, std::span<const double> v, std::span<const Offset> rows,
                                    Run& run) {
  const Mdp mdp = quotient_mdp(m);
  const graph::Predecessors into(mdp);
  const graph::Approach start =
      graph::approach(mdp, into, graph::goal_states(mdp), graph::RowMask(static_cast<std::size_t>(mdp.n_rows()), 1));
  std::vector<TwoDouble> values(v.begin(), v.end());
  values.emplace_back(0.0);
  Policy policy(values.size(), 0);
  for (std::size_t s = 0; s < rows.size(); ++s) policy[s] = static_cast<Action>(rows[s] - m.state_rows[s]);
  kernels::OrderedChain chain(mdp, start.order);
  chain.assign(policy);
  const GoalEnclosure e =
      enclose_until_goal(mdp, values, policy, chain, quotient_uncertainty(m), run.threads(), run.with_grace());
  AbsorbingAnswer a;
  if (e.above.empty()) return a;
  a.end = e.below.empty() ? AbsorbingEnd::imprecise : AbsorbingEnd::enclosed;
  a.value.assign(v.begin(), v.end());
  a.rows.assign(rows.begin(), rows.end());
  a.above.assign(e.above.begin(), e.above.end() - 1);
  if (e.below.empty()) {
    a.below.assign(v.size(), infinity);
  } else {
    a.below.assign(e.below.begin(), e.below.end() - 1);
  }
  return a;
}

}  // namespace

bool may_eliminate(State n_states, const Run& run) {
  const Method method = run.options().method;
  return method == Method::policy_iteration || (method == Method::automatic && n_states <= many_states);
}

bool eliminates_first(State n_states, double successors_per_row, const Run& run) {
  if (!may_eliminate(n_states, run)) return false;
  const bool short_rows = n_states <= few_states || successors_per_row <= entries_per_state;
  return run.options().method != Method::automatic || (n_states <= rather_few_states && short_rows);
}

MethodAnswer solve_goal_problem(const GoalProblem& problem, Run& run) {
  if (pays_nothing(problem)) return zero(problem);
  switch (run.options().method) {
    case Method::value_iteration: return iterate(problem, jacobi_step(), run);
    case Method::gauss_seidel: return iterate(problem, gauss_seidel_step(), run);
    case Method::prioritized: return iterate(problem, prioritized_step(problem), run);
    case Method::topological: return iterate(problem, topological_step(problem), run);
    case Method::modified_policy_iteration: return iterate(problem, policy_step(false), run);
    case Method::linear_programming: return iterate(problem, linear_programming_step(), run);
    case Method::interval_iteration:
      return {interval_iteration(problem, IntervalMethod::interval, run), "interval iteration", ""};
    case Method::optimistic_value_iteration:
      return {interval_iteration(problem, IntervalMethod::optimistic, run), "optimistic value iteration", ""};
    case Method::action_elimination:
      return {interval_iteration(problem, IntervalMethod::elimination, run), "interval iteration, rows eliminated", ""};
    default: return iterate(problem, policy_step(true), run);
  }
}

MethodAnswer iterate_reduced(const graph::ReducedMdp& m, const Accuracy& accuracy, std::span<const double> values,
                             Run& run) {
  const Mdp mdp = quotient_mdp(m);
  graph::Approach start;
  {
    const graph::Predecessors into(mdp);
    start =
        graph::approach(mdp, into, graph::goal_states(mdp), graph::RowMask(static_cast<std::size_t>(mdp.n_rows()), 1));
  }
  if (static_cast<State>(start.order.size()) != m.n_states()) return {};
  std::vector<double> first(values.begin(), values.end());
  if (!first.empty()) first.push_back(0.0);  // the goal
  return solve_goal_problem({mdp, start, accuracy, quotient_uncertainty(m), first}, run);
}

namespace {

/// One method after the other, each from what the best one before found, until an enclosure is as narrow as asked.
class Turns {
 public:
  Turns(const graph::ReducedMdp& m, const Accuracy& accuracy, std::span<const double> values, Run& run)
      : m_(m), accuracy_(accuracy), run_(run), values_(values.begin(), values.end()) {}

  void eliminate(std::string why) {
    if (!is_done()) take(by_elimination(m_, values_, run_), std::move(why));
  }
  /// \param most_sweeps  of this turn
  void iterate(std::int64_t most_sweeps, std::string why) {
    if (is_done()) return;
    run_.end_stage_after(most_sweeps);
    take(iterate_reduced(m_, accuracy_, values_, run_), std::move(why));
    was_cut_ = run_.stage_over();
    run_.end_stage_after(Run::no_limit);
  }
  [[nodiscard]] bool is_done() const {
    return tried_ && (excess_width(best_.answer, accuracy_) <= 1.0 || run_.stopped() != Status::not_run);
  }
  [[nodiscard]] bool was_cut() const { return was_cut_; }
  [[nodiscard]] MethodAnswer best() && { return std::move(best_); }

 private:
  void take(MethodAnswer found, std::string why) {
    if (tried_ && !(excess_width(found.answer, accuracy_) < excess_width(best_.answer, accuracy_)) &&
        !(best_.answer.value.empty() && !found.answer.value.empty())) {
      return;
    }
    tried_ = true;
    best_ = std::move(found);
    best_.why = std::move(why);
    if (best_.answer.value.empty()) return;
    values_.clear();
    for (const TwoDouble& v : best_.answer.value) values_.push_back(v.hi);
  }

  const graph::ReducedMdp& m_;
  const Accuracy& accuracy_;
  Run& run_;
  std::vector<double> values_;
  MethodAnswer best_;
  bool tried_ = false, was_cut_ = false;
};

// What auto does. Few states are eliminated first: milliseconds, and the last digits. Of more, iterations end sooner where they end.
MethodAnswer in_turns(const graph::ReducedMdp& m, const Accuracy& accuracy, std::span<const double> values,
                      bool was_cut, Run& run) {
  const State n = m.n_states();
  const auto states = [n](const char* text) { return fmt::format("{} states are left to solve: {}", n, text); };
  const bool may = may_eliminate(n, run);
  Turns turns(m, accuracy, values, run);
  if (n <= few_states || (n <= rather_few_states && elimination_is_cheap(m))) {
    turns.eliminate(states("eliminating them is cheap"));
    turns.iterate(Run::no_limit, "elimination left the range of doubles, or needed too much memory");
  } else {
    if (!was_cut) turns.iterate(may ? sweeps_before_elimination : Run::no_limit, states("iterations are tried first"));
    if (!turns.is_done() && may && elimination_is_cheap(m))
      turns.eliminate(states("eliminating them is cheap, and iterations did not end soon"));
    if (was_cut || turns.was_cut()) turns.iterate(Run::no_limit, states("eliminating them is dear"));
    turns.eliminate("iterations in doubles left too wide an enclosure: states were eliminated in twice the precision");
  }
  return std::move(turns).best();
}

}  // namespace

MethodAnswer solve_reduced(const graph::ReducedMdp& m, const Accuracy& accuracy, std::span<const double> values,
                           bool was_cut, Run& run) {
  if (run.options().method == Method::automatic) return in_turns(m, accuracy, values, was_cut, run);
  if (!may_eliminate(m.n_states(), run)) return iterate_reduced(m, accuracy, values, run);
  MethodAnswer a = by_elimination(m, values, run);
  if (a.answer.end != AbsorbingEnd::failed) return a;
  MethodAnswer b = iterate_reduced(m, accuracy, values, run);
  b.why = "elimination left the range of doubles, or needed too much memory";
  return excess_width(b.answer, accuracy) < excess_width(a.answer, accuracy) ? b : a;
}

MethodAnswer enclose_reduced(const graph::ReducedMdp& m, std::span<const double> v, Run& run) {
  const auto rows = greedy_way_out(m, v);
  if (static_cast<State>(rows.size()) != m.n_states()) return {};
  run.count_iteration();
  if (m.n_states() <= few_states || elimination_is_cheap(m)) {
    MethodAnswer a{enclose_absorbing(m, rows, run.with_grace()), "greedy policy (elimination), proved from both sides",
                   ""};
    if (a.answer.end != AbsorbingEnd::failed) return a;
  }
  return {enclose_on_quotient(m, v, rows, run), "values enclosed by times until exit", ""};
}

}  // namespace mdp::solvers
