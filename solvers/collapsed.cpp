#include "solvers/collapsed.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "libmdp/graph/approach.hpp"
#include "solvers/absorbing_methods.hpp"

namespace mdp::solvers {
namespace {

bool collapses(const Collapse& collapse, State s) {
  return collapse.component.count > 0 && collapse.component.of_state[at(s)] >= 0;
}

// Rows of the policy inside the components, given the row by which each is left (-1: never).
void move_inside(const Mdp& mdp, const graph::Predecessors& into, const Collapse& collapse,
                 const std::vector<char>& leaves, const graph::StateSet& doors, Policy& policy) {
  const auto inside = rows_inside(mdp, collapse.component, collapse.inside);
  const auto towards = graph::rows_towards(mdp, into, doors, inside);
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (collapse.open[at(s)] == 0 || !collapses(collapse, s) || doors[at(s)] != 0) continue;
    Offset row = towards[at(s)];
    if (leaves[at(collapse.component.of_state[at(s)])] == 0) {
      row = std::find(inside.begin() + mdp.state_rows()[at(s)], inside.end(), char{1}) - inside.begin();
    }
    policy[at(s)] = static_cast<Action>(row - mdp.state_rows()[at(s)]);
  }
}

CollapsedAnswer nothing_to_solve(const Mdp& mdp, const Collapse& collapse) {
  CollapsedAnswer result;
  result.end = AbsorbingEnd::enclosed;
  result.value.resize(at(mdp.n_states()));
  result.below.assign(result.value.size(), 0.0);
  result.above.assign(result.value.size(), 0.0);
  result.leaves.assign(at(collapse.component.count), 0);
  return result;
}

// [reduced states] the component that each comes from, -1 = none.
std::vector<State> component_of_reduced(const Mdp& mdp, const Collapse& collapse, const Numbering& numbering) {
  std::vector<State> component_of(at(numbering.count), -1);
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (numbering.state_of[at(s)] >= 0 && collapses(collapse, s)) {
      component_of[at(numbering.state_of[at(s)])] = collapse.component.of_state[at(s)];
    }
  }
  return component_of;
}

// Values to start from: of the first state of each reduced state.
std::vector<double> start_of_reduced(const Mdp& mdp, const Numbering& numbering, std::span<const double> values) {
  if (values.empty()) return {};
  std::vector<double> start(at(numbering.count));
  for (State s = mdp.n_states(); s-- > 0;) {
    if (numbering.state_of[at(s)] >= 0) start[at(numbering.state_of[at(s)])] = values[at(s)];
  }
  return start;
}

// Whether nothing is collapsed and what is not open is a goal: then the MDP itself is the problem.
bool is_plain(const Mdp& mdp, const Collapse& collapse) {
  if (std::find(collapse.may_stay.begin(), collapse.may_stay.end(), char{1}) != collapse.may_stay.end()) return false;
  const auto goal = graph::goal_states(mdp);
  for (State s = 0; s < mdp.n_states(); ++s) {
    if ((collapse.open[at(s)] != 0) == (goal[at(s)] != 0)) return false;
    if (collapse.open[at(s)] != 0 && collapses(collapse, s)) return false;
  }
  return true;
}

// The MDP with the costs of the problem, undiscounted; rows that may not be taken are inadmissible.
Mdp with_usable_rows(const Mdp& mdp, const Collapse& collapse) {
  Mdp undiscounted = mdp.with_discount(1.0);
  bool all = collapse.cost.empty();
  for (State s = 0; s < mdp.n_states() && all; ++s) {
    if (collapse.open[at(s)] == 0) continue;
    const auto first = collapse.usable.begin() + mdp.state_rows()[at(s)];
    all = std::find(first, first + mdp.n_actions(s), char{0}) == first + mdp.n_actions(s);
  }
  if (all) return undiscounted;
  Buffer<double> cost(mdp.cost().begin(), mdp.cost().end());
  Buffer<double> tail(mdp.cost_tail().begin(), mdp.cost_tail().end());
  if (!collapse.cost.empty()) tail.assign(cost.size(), 0.0);
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (collapse.open[at(s)] == 0) continue;
    for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
      if (!collapse.cost.empty()) {
        cost[at(row)] = collapse.cost[at(row)].hi;
        tail[at(row)] = collapse.cost[at(row)].lo;
      }
      if (collapse.usable[at(row)] != 0) continue;
      cost[at(row)] = infinity;
      if (!tail.empty()) tail[at(row)] = 0.0;
    }
  }
  return undiscounted.with_cost(std::move(cost), std::move(tail));
}

CollapsedAnswer solve_plain(const Mdp& mdp, const graph::PredecessorsWhenNeeded& into, const Collapse& collapse,
                            Run& run, Policy& policy) {
  const graph::Approach start = graph::approach(mdp, into, graph::goal_states(mdp), collapse.usable);
  into.release();  // iterations need the memory
  CollapsedAnswer result;
  if (start.order.size() != at(graph::count(collapse.open))) return result;
  const Mdp problem = with_usable_rows(mdp, collapse);
  auto [answer, method, why] = solve_goal_problem(
      {problem, start, collapse.accuracy, {collapse.entry_error, collapse.cost_error}, run.options().start}, run);
  result.end = answer.end;
  result.method = std::move(method);
  result.why = std::move(why);
  if (answer.end == AbsorbingEnd::failed) return result;
  for (const State s : start.order) policy[at(s)] = static_cast<Action>(answer.rows[at(s)] - mdp.state_rows()[at(s)]);
  result.value = std::move(answer.value);
  result.below = std::move(answer.below);
  result.above = std::move(answer.above);
  result.leaves.assign(at(collapse.component.count), 0);
  return result;
}

// [reduced states] the least of the finite values given for the states of each; 0 where there is none.
std::vector<double> least_given(std::span<const double> given, const Numbering& numbering) {
  std::vector<double> least(at(numbering.count), infinity);
  for (std::size_t s = 0; s < given.size(); ++s) {
    const State c = numbering.state_of[s];
    if (c >= 0 && std::isfinite(given[s])) least[at(c)] = std::min(least[at(c)], given[s]);
  }
  for (double& v : least) {
    if (v == infinity) v = 0.0;
  }
  return least;
}

// \param start    [n_states] values, or empty
// \param was_cut  they are from iterations that did not end soon
CollapsedAnswer solve_quotient(const Mdp& mdp, const graph::PredecessorsWhenNeeded& into, const Collapse& collapse,
                               std::span<const double> start, bool was_cut, Run& run, Policy& policy) {
  const Numbering numbering = number(mdp, collapse);
  if (numbering.count == 0) return nothing_to_solve(mdp, collapse);
  graph::Reduction reduction;
  reduction.state_of = numbering.state_of;
  reduction.n_states = numbering.count;
  reduction.usable = collapse.usable;
  reduction.cost = collapse.cost;
  reduction.entry_error = collapse.entry_error;
  reduction.cost_error = collapse.cost_error;
  const std::vector<State> component_of = component_of_reduced(mdp, collapse, numbering);
  if (!collapse.may_stay.empty()) {
    for (const State c : component_of) {
      reduction.may_stay.push_back(c >= 0 ? collapse.may_stay[at(c)] : char{0});
      reduction.stay_cost.push_back(c >= 0 && !collapse.stay_cost.empty() ? collapse.stay_cost[at(c)] : TwoDouble());
    }
  }
  const auto reduced = graph::reduce(mdp, reduction);
  auto [answer, method, why] =
      collapse.given.empty()
          ? solve_reduced(reduced, collapse.accuracy, start_of_reduced(mdp, numbering, start), was_cut, run)
          : enclose_reduced(reduced, least_given(collapse.given, numbering), run);

  CollapsedAnswer result;
  result.end = answer.end;
  result.method = std::move(method);
  result.why = std::move(why);
  if (answer.end == AbsorbingEnd::failed) return result;
  const auto n = at(mdp.n_states());
  result.value.resize(n);
  result.below.assign(n, 0.0);
  result.above.assign(n, 0.0);
  graph::StateSet doors(n, 0);
  result.leaves.assign(at(collapse.component.count), 0);
  std::vector<Offset> rows(n, -1);
  for (State c = 0; c < reduced.n_states(); ++c) {
    const Offset row = reduced.origin[at(answer.rows[at(c)])];
    if (row < 0) continue;
    const State s = mdp.state_of(row);
    rows[at(s)] = row;
    doors[at(s)] = 1;
    if (component_of[at(c)] >= 0) result.leaves[at(component_of[at(c)])] = 1;
  }
  take_rows(mdp, rows, policy);
  if (collapse.component.count > 0) move_inside(mdp, into, collapse, result.leaves, doors, policy);
  for (std::size_t s = 0; s < n; ++s) {
    const State c = numbering.state_of[s];
    if (c < 0) continue;
    result.value[s] = answer.value[at(c)];
    result.below[s] = answer.below[at(c)];
    result.above[s] = answer.above[at(c)];
  }
  return result;
}

}  // namespace

Numbering number(const Mdp& mdp, const Collapse& collapse) {
  Numbering numbering;
  numbering.state_of.assign(at(mdp.n_states()), -1);
  std::vector<State> of_component(at(collapse.component.count), -1);
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (collapse.open[at(s)] == 0) continue;
    State own = -1;
    State& id = collapses(collapse, s) ? of_component[at(collapse.component.of_state[at(s)])] : own;
    if (id < 0) id = numbering.count++;
    numbering.state_of[at(s)] = id;
  }
  return numbering;
}

graph::RowMask rows_inside(const Mdp& mdp, const graph::Components& component, std::span<const char> usable) {
  graph::StateSet member(at(mdp.n_states()), 0);
  if (component.count > 0) {
    for (std::size_t s = 0; s < member.size(); ++s) member[s] = component.of_state[s] >= 0 ? 1 : 0;
  }
  graph::RowMask inside = rows_of(mdp, member, usable);
  if (component.count > 0) graph::ban_leaving_rows(mdp, component, inside);
  return inside;
}

graph::RowMask rows_inside(const Mdp& mdp, const graph::StateSet& set, std::span<const char> usable) {
  graph::RowMask inside = rows_of(mdp, set, usable);
  graph::keep_rows_inside(mdp, set, inside);
  return inside;
}

graph::RowMask rows_of(const Mdp& mdp, std::span<const char> set, std::span<const char> usable) {
  graph::RowMask rows(usable.begin(), usable.end());
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (set[at(s)] != 0) continue;
    std::fill(rows.begin() + mdp.state_rows()[at(s)], rows.begin() + mdp.state_rows()[at(s) + 1], char{0});
  }
  return rows;
}

void take_rows(const Mdp& mdp, std::span<const Offset> row, Policy& policy) {
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (row[at(s)] >= 0) policy[at(s)] = static_cast<Action>(row[at(s)] - mdp.state_rows()[at(s)]);
  }
}

void take_lowest_rows(const Mdp& mdp, std::span<const char> set, std::span<const char> usable, Policy& policy) {
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (set[at(s)] == 0) continue;
    const auto first = usable.begin() + mdp.state_rows()[at(s)];
    const auto last = usable.begin() + mdp.state_rows()[at(s) + 1];
    const auto row = std::find(first, last, char{1});
    if (row != last) policy[at(s)] = static_cast<Action>(row - first);
  }
}

CollapsedAnswer solve_collapsed(const Mdp& mdp, const graph::PredecessorsWhenNeeded& into, const Collapse& collapse,
                                Run& run, Policy& policy) {
  std::vector<double> start(run.options().start.begin(), run.options().start.end());
  const State n_open = graph::count(collapse.open);
  const double successors = static_cast<double>(mdp.n_transitions()) / static_cast<double>(mdp.n_rows());
  bool was_cut = false;
  if (collapse.given.empty() && is_plain(mdp, collapse) && !eliminates_first(n_open, successors, run)) {
    if (may_eliminate(n_open, run)) run.end_stage_after(sweeps_before_elimination);
    CollapsedAnswer answer = solve_plain(mdp, into, collapse, run, policy);
    was_cut = run.stage_over();
    run.end_stage_after(Run::no_limit);
    if (run.options().method == Method::automatic)
      answer.why = std::to_string(n_open) + " states are left to solve: iterations are tried first";
    const bool good =
        excess_width({answer.end, answer.value, answer.below, answer.above, {}}, collapse.accuracy) <= 1.0;
    if (good || run.options().method != Method::automatic || run.stopped() != Status::not_run) return answer;
    if (!answer.value.empty()) start.clear();
    for (const TwoDouble& v : answer.value) start.push_back(v.hi);
  }
  return solve_quotient(mdp, into, collapse, start, was_cut, run, policy);
}

}  // namespace mdp::solvers
