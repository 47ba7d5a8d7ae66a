#include "libmdp/graph/structure.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "libmdp/graph/closure.hpp"

namespace mdp::graph {
namespace {

// Calls f(s, next) for the transitions of usable rows.
template <class F>
void for_edges(const Mdp& mdp, State s, std::span<const char> usable, F&& f) {
  for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
    if (usable[at(row)] == 0) continue;
    for (Offset k = mdp.row_begin()[at(row)]; k < mdp.row_begin()[at(row) + 1]; ++k) f(mdp.next_state()[at(k)]);
  }
}

// End components of rows that keep out of a set.
Components end_components_outside(const Mdp& mdp, const StateSet& avoided, RowMask usable) {
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (avoided[at(s)] == 0) continue;
    std::fill(usable.begin() + mdp.state_rows()[at(s)], usable.begin() + mdp.state_rows()[at(s) + 1], char{0});
  }
  keep_rows_inside(mdp, complement(avoided), usable);
  if (std::find(usable.begin(), usable.end(), char{1}) == usable.end()) {
    Components none;
    none.of_state.assign(avoided.size(), -1);
    return none;
  }
  return maximal_end_components(mdp, usable);
}

// Whether all policies have one recurrent class, one maximal end component being given.
Answer is_unichain(const Mdp& mdp, const Components& end, const RowMask& usable) {
  constexpr int tries = 8;
  State candidate = static_cast<State>(std::find(end.of_state.begin(), end.of_state.end(), 0) - end.of_state.begin());
  for (int k = 0; k < tries; ++k) {
    StateSet avoided(end.of_state.size(), 0);
    avoided[at(candidate)] = 1;
    const Components first = end_components_outside(mdp, avoided, usable);
    if (first.count == 0) return Answer::yes;
    if (first.count > 1) return Answer::no;
    for (std::size_t s = 0; s < avoided.size(); ++s) avoided[s] = first.of_state[s] >= 0 ? 1 : 0;
    const Components second = end_components_outside(mdp, avoided, usable);
    if (second.count > 0) return Answer::no;
    // Every end component meets `first`: try its states, spread out.
    std::vector<State> members;
    for (State s = 0; s < mdp.n_states(); ++s) {
      if (avoided[at(s)] != 0) members.push_back(s);
    }
    candidate = members[members.size() * at(k) / tries];
  }
  return Answer::unknown;
}

}  // namespace

RowMask rows_taken(const Mdp& mdp, std::span<const Action> policy) {
  RowMask taken(at(mdp.n_rows()), 0);
  for (State s = 0; s < mdp.n_states(); ++s) taken[at(mdp.state_rows()[at(s)] + policy[at(s)])] = 1;
  return taken;
}

std::vector<State> periods(const Mdp& mdp, const Components& components, std::span<const char> usable) {
  std::vector<State> period(at(components.count), 0);
  std::vector<State> level(components.of_state.size(), -1);
  std::vector<State> work;
  for (State root = 0; root < mdp.n_states(); ++root) {
    const State own = components.of_state[at(root)];
    if (own < 0 || level[at(root)] >= 0) continue;
    level[at(root)] = 0;
    work.assign(1, root);
    for (std::size_t head = 0; head < work.size(); ++head) {
      const State s = work[head];
      for_edges(mdp, s, usable, [&](State next) {
        if (components.of_state[at(next)] != own) return;
        if (level[at(next)] < 0) {
          level[at(next)] = level[at(s)] + 1;
          work.push_back(next);
        }
        period[at(own)] = std::gcd(period[at(own)], level[at(s)] + 1 - level[at(next)]);
      });
    }
  }
  return period;
}

ChainStructure chain_structure(const Mdp& mdp, std::span<const char> taken) {
  const Components all = strongly_connected_components(mdp, taken);
  std::vector<State> number(at(all.count), 0);  // -1 = some row leaves it
  for (State s = 0; s < mdp.n_states(); ++s) {
    for_edges(mdp, s, taken, [&](State next) {
      if (all.of_state[at(next)] != all.of_state[at(s)]) number[at(all.of_state[at(s)])] = -1;
    });
  }
  ChainStructure chain;
  for (State& id : number) {
    if (id == 0) id = chain.recurrent.count++;
  }
  for (const State c : all.of_state) chain.recurrent.of_state.push_back(number[at(c)]);
  chain.period = periods(mdp, chain.recurrent, taken);
  return chain;
}

ClassStructure class_structure(const Mdp& mdp, std::span<const char> usable) {
  const RowMask rows = usable.empty() ? admissible_rows(mdp) : RowMask(usable.begin(), usable.end());
  ClassStructure found;
  found.communicating = strongly_connected_components(mdp, rows).count == 1;
  const Components end = maximal_end_components(mdp, rows);
  found.weakly_communicating = end.count == 1;
  found.unichain = end.count == 1 ? is_unichain(mdp, end, rows) : Answer::no;
  return found;
}

GoalReachability goal_reachability_always(const Mdp& mdp, std::span<const char> usable) {
  RowMask rows = usable.empty() ? admissible_rows(mdp) : RowMask(usable.begin(), usable.end());
  const Predecessors into(mdp);
  const StateSet goal = goal_states(mdp);
  GoalReachability result;
  result.possible = backward_closure(mdp, into, goal, rows, Needs::all, Needs::any);
  result.sure = backward_closure(mdp, into, goal, rows, Needs::all, Needs::all);
  for (const State s : mdp.goal()) {
    std::fill(rows.begin() + mdp.state_rows()[at(s)], rows.begin() + mdp.state_rows()[at(s) + 1], char{0});
  }
  result.almost_sure =
      complement(backward_closure(mdp, into, complement(result.possible), rows, Needs::any, Needs::any));
  return result;
}

}  // namespace mdp::graph
