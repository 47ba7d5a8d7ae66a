#include "solvers/collapsed.hpp"

#include <algorithm>
#include <utility>

namespace mdp::solvers {
namespace {

std::size_t at(Offset i) { return static_cast<std::size_t>(i); }

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

CollapsedAnswer solve_collapsed(const Mdp& mdp, const graph::Predecessors& into, const Collapse& collapse, Run& run,
                                Policy& policy) {
  const Numbering numbering = number(mdp, collapse);
  graph::Reduction reduction;
  reduction.state_of = numbering.state_of;
  reduction.n_states = numbering.count;
  reduction.usable = collapse.usable;
  reduction.cost = collapse.cost;
  reduction.entry_error = collapse.entry_error;
  reduction.cost_error = collapse.cost_error;
  std::vector<State> component_of(at(numbering.count), -1);
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (numbering.state_of[at(s)] >= 0 && collapses(collapse, s)) {
      component_of[at(numbering.state_of[at(s)])] = collapse.component.of_state[at(s)];
    }
  }
  if (!collapse.may_stay.empty()) {
    for (const State c : component_of) {
      reduction.may_stay.push_back(c >= 0 ? collapse.may_stay[at(c)] : char{0});
      reduction.stay_cost.push_back(c >= 0 && !collapse.stay_cost.empty() ? collapse.stay_cost[at(c)] : TwoDouble());
    }
  }
  const auto reduced = graph::reduce(mdp, reduction);
  const AbsorbingAnswer answer = solve_absorbing(reduced, run);

  CollapsedAnswer result;
  result.end = answer.end;
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

}  // namespace mdp::solvers
