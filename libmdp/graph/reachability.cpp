#include "libmdp/graph/reachability.hpp"

#include <algorithm>
#include <utility>

#include "libmdp/graph/closure.hpp"

namespace mdp::graph {
State count(std::span<const char> set) { return static_cast<State>(std::count(set.begin(), set.end(), char{1})); }

StateSet reachable_states(const Mdp& mdp, std::span<const char> usable) {
  RowMask admissible;
  if (usable.empty()) usable = admissible = admissible_rows(mdp);
  StateSet reached(at(mdp.n_states()), 0);
  std::vector<State> work;
  const auto visit = [&](State s) {
    if (reached[at(s)] != 0) return;
    reached[at(s)] = 1;
    work.push_back(s);
  };
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (mdp.initial()[at(s)] > 0.0) visit(s);
  }
  while (!work.empty()) {
    const State s = work.back();
    work.pop_back();
    for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
      if (usable[at(row)] == 0) continue;
      for (Offset k = mdp.row_begin()[at(row)]; k < mdp.row_begin()[at(row) + 1]; ++k) visit(mdp.next_state()[at(k)]);
    }
  }
  return reached;
}

GoalReachability goal_reachability(const Mdp& mdp, std::span<const char> usable) {
  RowMask rows = usable.empty() ? admissible_rows(mdp) : RowMask(usable.begin(), usable.end());
  const Predecessors into(mdp);
  const StateSet goal = goal_states(mdp);
  GoalReachability result;
  result.possible = backward_closure(mdp, into, goal, rows, Needs::any, Needs::any);
  result.sure = backward_closure(mdp, into, goal, rows, Needs::any, Needs::all);
  result.almost_sure = almost_surely_reaching(mdp, into, goal, result.possible, std::move(rows));
  return result;
}

StateSet finite_value_states(const Mdp& mdp) {
  StateSet infinite(at(mdp.n_states()), 0);
  if (mdp.has_inadmissible()) {
    const RowMask rows = admissible_rows(mdp);
    for (State s = 0; s < mdp.n_states(); ++s) {
      const auto first = rows.begin() + mdp.state_rows()[at(s)];
      infinite[at(s)] = std::count(first, first + mdp.n_actions(s), char{1}) == 0 ? 1 : 0;
    }
    if (mdp.discount() > 0.0) {
      infinite = backward_closure(mdp, Predecessors(mdp), std::move(infinite), rows, Needs::all, Needs::any);
    }
  }
  return complement(std::move(infinite));
}

}  // namespace mdp::graph
