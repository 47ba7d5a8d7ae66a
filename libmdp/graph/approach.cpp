#include "libmdp/graph/approach.hpp"

namespace mdp::graph {
Approach approach(const Mdp& mdp, const Predecessors& into, const StateSet& target, std::span<const char> usable) {
  Approach found;
  found.rows.assign(at(mdp.n_states()), -1);
  std::vector<State> distance(at(mdp.n_states()), -1);
  std::vector<State> work;
  work.reserve(at(mdp.n_states()));
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (target[at(s)] == 0) continue;
    distance[at(s)] = 0;
    work.push_back(s);
  }
  const std::size_t n_target = work.size();
  for (std::size_t head = 0; head < work.size(); ++head) {
    const State s = work[head];
    for (Offset i = into.begin[at(s)]; i < into.begin[at(s) + 1]; ++i) {
      const Offset row = into.row[at(i)];
      const State from = into.state_of_row[at(row)];
      if (usable[at(row)] == 0 || distance[at(from)] >= 0) continue;
      distance[at(from)] = distance[at(s)] + 1;
      work.push_back(from);
    }
  }
  found.order.assign(work.begin() + static_cast<std::ptrdiff_t>(n_target), work.end());
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (distance[at(s)] <= 0) continue;
    double least = infinity;
    for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
      if (usable[at(row)] == 0) continue;
      double expected = 0.0;
      bool nearer = false;
      for (Offset k = mdp.row_begin()[at(row)]; k < mdp.row_begin()[at(row) + 1]; ++k) {
        const State to = distance[at(mdp.next_state()[at(k)])];
        expected += mdp.probability()[at(k)] * (to < 0 ? mdp.n_states() : to);
        nearer = nearer || (to >= 0 && to < distance[at(s)]);
      }
      if (!nearer || !(expected < least)) continue;
      least = expected;
      found.rows[at(s)] = row;
    }
  }
  return found;
}

}  // namespace mdp::graph
