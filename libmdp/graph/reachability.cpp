#include "libmdp/graph/reachability.hpp"

#include <algorithm>

namespace mdp::graph {
namespace {

std::size_t at(Offset i) { return static_cast<std::size_t>(i); }

enum class Needs { any, all };

// Transitions sorted by their target: the rows that lead into each state.
struct Predecessors {
  Buffer<Offset> begin;  // [n_states+1]
  Buffer<Offset> row;    // [n_transitions]
  Buffer<State> state_of_row;

  explicit Predecessors(const Mdp& mdp) {
    begin.assign(at(mdp.n_states()) + 1, 0);
    for (const State next : mdp.next_state()) ++begin[at(next) + 1];
    for (std::size_t s = 0; s + 1 < begin.size(); ++s) begin[s + 1] += begin[s];
    Buffer<Offset> place(begin.begin(), begin.end() - 1);
    row.resize(at(mdp.n_transitions()));
    state_of_row.resize(at(mdp.n_rows()));
    for (State s = 0; s < mdp.n_states(); ++s) {
      for (Offset r = mdp.state_rows()[at(s)]; r < mdp.state_rows()[at(s) + 1]; ++r) {
        state_of_row[at(r)] = s;
        for (Offset k = mdp.row_begin()[at(r)]; k < mdp.row_begin()[at(r) + 1]; ++k) {
          row[at(place[at(mdp.next_state()[at(k)])]++)] = r;
        }
      }
    }
  }
};

// The least set that holds `start` and every state of which {any, all} usable rows have {any, all} successors
// in it. One worklist pass: a row (state) joins when as many successors (rows) have joined as it needs.
StateSet backward_closure(const Mdp& mdp, const Predecessors& into, StateSet start, std::span<const char> usable,
                          Needs of_rows, Needs of_successors) {
  const auto n_usable = [&](State s) {
    const auto first = usable.begin() + mdp.state_rows()[at(s)];
    return std::count(first, first + mdp.n_actions(s), char{1});
  };
  std::vector<Offset> row_left(at(mdp.n_rows()));
  for (std::size_t r = 0; r < row_left.size(); ++r) {
    row_left[r] = of_successors == Needs::any ? 1 : mdp.row_begin()[r + 1] - mdp.row_begin()[r];
  }
  std::vector<Offset> state_left(at(mdp.n_states()));
  std::vector<State> work;
  for (State s = 0; s < mdp.n_states(); ++s) {
    state_left[at(s)] = of_rows == Needs::any ? 1 : n_usable(s);
    if (start[at(s)] != 0) work.push_back(s);
  }
  while (!work.empty()) {
    const State s = work.back();
    work.pop_back();
    for (Offset i = into.begin[at(s)]; i < into.begin[at(s) + 1]; ++i) {
      const Offset row = into.row[at(i)];
      if (usable[at(row)] == 0 || --row_left[at(row)] != 0) continue;
      const State from = into.state_of_row[at(row)];
      if (start[at(from)] != 0 || --state_left[at(from)] != 0) continue;
      start[at(from)] = 1;
      work.push_back(from);
    }
  }
  return start;
}

// Bans the rows with a successor outside the set.
void keep_rows_inside(const Mdp& mdp, const StateSet& set, RowMask& usable) {
  for (std::size_t row = 0; row < usable.size(); ++row) {
    for (Offset k = mdp.row_begin()[row]; k < mdp.row_begin()[row + 1]; ++k) {
      if (set[at(mdp.next_state()[at(k)])] == 0) usable[row] = 0;
    }
  }
}

// Greatest X such that X reaches the goal by rows that stay in X.
StateSet almost_sure_states(const Mdp& mdp, const Predecessors& into, const StateSet& goal, StateSet x,
                            RowMask usable) {
  while (true) {
    keep_rows_inside(mdp, x, usable);
    StateSet y = backward_closure(mdp, into, goal, usable, Needs::any, Needs::any);
    if (y == x) return x;
    x = std::move(y);
  }
}

}  // namespace

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
  StateSet goal(at(mdp.n_states()), 0);
  for (const State s : mdp.goal()) goal[at(s)] = 1;
  GoalReachability result;
  result.possible = backward_closure(mdp, into, goal, rows, Needs::any, Needs::any);
  result.sure = backward_closure(mdp, into, goal, rows, Needs::any, Needs::all);
  result.almost_sure = almost_sure_states(mdp, into, goal, result.possible, std::move(rows));
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
  for (char& flag : infinite) flag = flag == 0 ? 1 : 0;
  return infinite;
}

}  // namespace mdp::graph
