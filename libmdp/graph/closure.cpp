#include "libmdp/graph/closure.hpp"

#include <algorithm>
#include <utility>

namespace mdp::graph {
Predecessors::Predecessors(const Mdp& mdp) {
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

bool keep_rows_inside(const Mdp& mdp, const StateSet& set, RowMask& usable) {
  bool any = false;
  if (std::find(set.begin(), set.end(), char{0}) == set.end()) return any;
  for (std::size_t row = 0; row < usable.size(); ++row) {
    for (Offset k = mdp.row_begin()[row]; k < mdp.row_begin()[row + 1] && usable[row] != 0; ++k) {
      if (set[at(mdp.next_state()[at(k)])] != 0) continue;
      usable[row] = 0;
      any = true;
    }
  }
  return any;
}

std::vector<Offset> rows_towards(const Mdp& mdp, const Predecessors& into, const StateSet& target,
                                 std::span<const char> usable) {
  std::vector<Offset> choice(at(mdp.n_states()), -1);
  std::vector<State> work;
  std::vector<State> distance(at(mdp.n_states()), -1);
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (target[at(s)] == 0) continue;
    distance[at(s)] = 0;
    work.push_back(s);
  }
  for (std::size_t head = 0; head < work.size(); ++head) {  // breadth first
    const State s = work[head];
    for (Offset i = into.begin[at(s)]; i < into.begin[at(s) + 1]; ++i) {
      const Offset row = into.row[at(i)];
      if (usable[at(row)] == 0) continue;
      const State from = into.state_of_row[at(row)];
      if (distance[at(from)] < 0) {
        distance[at(from)] = distance[at(s)] + 1;
        work.push_back(from);
        choice[at(from)] = row;
      } else if (distance[at(from)] > distance[at(s)]) {
        choice[at(from)] = std::min(choice[at(from)], row);
      }
    }
  }
  return choice;
}

StateSet almost_surely_reaching(const Mdp& mdp, const Predecessors& into, const StateSet& target, StateSet x,
                                RowMask usable) {
  keep_rows_inside(mdp, x, usable);
  while (true) {
    StateSet y = backward_closure(mdp, into, target, usable, Needs::any, Needs::any);
    if (y == x) return x;
    // What can only leave y is lost too.
    x = complement(backward_closure(mdp, into, complement(std::move(y)), usable, Needs::all, Needs::any));
    if (!keep_rows_inside(mdp, x, usable)) return x;
  }
}

std::vector<State> shortest_path(const Mdp& mdp, State from, const StateSet& target, std::span<const char> usable) {
  std::vector<State> parent(at(mdp.n_states()), -1);
  std::vector<State> work{from};
  parent[at(from)] = from;
  for (std::size_t head = 0; head < work.size(); ++head) {  // breadth first
    State s = work[head];
    if (target[at(s)] != 0) {
      std::vector<State> path{s};
      while (s != from) path.push_back(s = parent[at(s)]);
      std::reverse(path.begin(), path.end());
      return path;
    }
    for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
      if (usable[at(row)] == 0) continue;
      for (Offset k = mdp.row_begin()[at(row)]; k < mdp.row_begin()[at(row) + 1]; ++k) {
        const State next = mdp.next_state()[at(k)];
        if (parent[at(next)] >= 0) continue;
        parent[at(next)] = s;
        work.push_back(next);
      }
    }
  }
  return {};
}

StateSet goal_states(const Mdp& mdp) {
  StateSet goal(at(mdp.n_states()), 0);
  for (const State s : mdp.goal()) goal[at(s)] = 1;
  return goal;
}

StateSet without(StateSet set, const StateSet& other) {
  for (std::size_t s = 0; s < set.size(); ++s) {
    if (other[s] != 0) set[s] = 0;
  }
  return set;
}

StateSet complement(StateSet set) {
  for (char& flag : set) flag = flag == 0 ? 1 : 0;
  return set;
}

}  // namespace mdp::graph
