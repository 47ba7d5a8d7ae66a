#include "solvers/absorbing_methods.hpp"

#include <utility>

#include <fmt/format.h>

#include "libmdp/graph/closure.hpp"
#include "solvers/absorbing_start.hpp"
#include "solvers/goal_enclosure.hpp"
#include "solvers/goal_quotient.hpp"
#include "solvers/interval_iteration.hpp"

namespace mdp::solvers {
namespace {

constexpr State few_states = 300;      // elimination of them takes milliseconds
constexpr State many_states = 50'000;  // whether elimination is cheap is looked at up to here

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

MethodAnswer solve_reduced(const graph::ReducedMdp& m, const Accuracy& accuracy, std::span<const double> values,
                           Run& run) {
  const bool automatic = run.options().method == Method::automatic;
  const State n = m.n_states();
  const bool eliminate = may_eliminate(n, run) && (!automatic || n <= few_states || elimination_is_cheap(m));
  MethodAnswer a = eliminate ? by_elimination(m, values, run) : iterate_reduced(m, accuracy, values, run);
  if (!automatic && !(eliminate && a.answer.end == AbsorbingEnd::failed)) return a;
  a.why = fmt::format("{} states are left to solve: eliminating them is {}", n, eliminate ? "cheap" : "dear");
  if (excess_width(a.answer, accuracy) <= 1.0 || run.stopped() != Status::not_run) return a;
  MethodAnswer b = eliminate ? iterate_reduced(m, accuracy, values, run) : by_elimination(m, values, run);
  if (!(excess_width(b.answer, accuracy) < excess_width(a.answer, accuracy))) return a;
  b.why = eliminate ? "elimination left the range of doubles, or needed too much memory"
                    : "iterations in doubles left too wide an enclosure: states were eliminated in twice the precision";
  return b;
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
