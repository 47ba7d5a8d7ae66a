#include "libmdp/graph/neighbours.hpp"

#include <algorithm>
#include <numeric>

namespace mdp::graph {
namespace {

// Calls edge(s, t) for every transition between two states.
template <class Edge>
void each_edge(const Mdp& mdp, Edge&& edge) {
  for (State s = 0; s < mdp.n_states(); ++s) {
    const Offset first = mdp.row_begin()[at(mdp.state_rows()[at(s)])];
    const Offset last = mdp.row_begin()[at(mdp.state_rows()[at(s) + 1])];
    for (Offset k = first; k < last; ++k) {
      if (mdp.next_state()[at(k)] != s) edge(s, mdp.next_state()[at(k)]);
    }
  }
}

}  // namespace

bool NeighbourGraph::adjacent(State s, State t) const {
  const auto list = of(s);
  return std::binary_search(list.begin(), list.end(), t);
}

NeighbourGraph neighbour_graph(const Mdp& mdp) {
  const auto n = at(mdp.n_states());
  std::vector<Offset> begin(n + 1, 0);
  each_edge(mdp, [&](State s, State t) { ++begin[at(s) + 1], ++begin[at(t) + 1]; });
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<State> list(at(begin.back()));
  std::vector<Offset> next(begin.begin(), begin.end() - 1);
  each_edge(mdp, [&](State s, State t) {
    list[at(next[at(s)]++)] = t;
    list[at(next[at(t)]++)] = s;
  });
  NeighbourGraph graph;
  graph.begin.assign(n + 1, 0);
  Offset end = 0;
  for (std::size_t s = 0; s < n; ++s) {  // sorted and made unique in place: never written ahead of what is read
    const auto first = list.begin() + begin[s];
    const auto last = list.begin() + begin[s + 1];
    std::sort(first, last);
    end = std::copy(first, std::unique(first, last), list.begin() + end) - list.begin();
    graph.begin[s + 1] = end;
  }
  list.resize(at(end));
  list.shrink_to_fit();
  graph.neighbour = std::move(list);
  return graph;
}

NeighbourSearch::NeighbourSearch(const NeighbourGraph& graph) : graph_(&graph), distance_(at(graph.n_states()), -1) {}

template <class Visit>
void NeighbourSearch::search(State from, Visit&& visit) {
  queue_.assign(1, from);
  distance_[at(from)] = 0;
  for (std::size_t head = 0; head < queue_.size(); ++head) {
    const State s = queue_[head];
    if (visit(s, distance_[at(s)])) break;
    for (const State t : graph_->of(s)) {
      if (distance_[at(t)] >= 0) continue;
      distance_[at(t)] = distance_[at(s)] + 1;
      queue_.push_back(t);
    }
  }
  for (const State s : queue_) distance_[at(s)] = -1;
}

void NeighbourSearch::ball(State from, int radius, std::vector<State>& states) {
  states.clear();
  search(from, [&](State s, State distance) {
    if (distance > radius) return true;
    states.push_back(s);
    return false;
  });
  std::sort(states.begin(), states.end());
}

void NeighbourSearch::distances(State from, std::span<const State> to, std::span<double> steps) {
  std::fill(steps.begin(), steps.end(), static_cast<double>(graph_->n_states()));
  wanted_.resize(to.size());
  std::iota(wanted_.begin(), wanted_.end(), 0);
  std::sort(wanted_.begin(), wanted_.end(), [to](State i, State j) { return to[at(i)] < to[at(j)]; });
  std::size_t n_left = to.size();
  search(from, [&](State s, State distance) {
    auto it = std::lower_bound(wanted_.begin(), wanted_.end(), s, [to](State i, State t) { return to[at(i)] < t; });
    for (; it != wanted_.end() && to[at(*it)] == s; ++it, --n_left) steps[at(*it)] = distance;
    return n_left == 0;
  });
}

int induced_components(const NeighbourGraph& graph, std::span<const State> states, std::vector<int>& label) {
  label.assign(states.size(), -1);
  std::vector<std::size_t> work;
  int n = 0;
  const auto join = [&](std::size_t i) {
    label[i] = n;
    work.push_back(i);
  };
  for (std::size_t start = 0; start < states.size(); ++start) {
    if (label[start] >= 0) continue;
    for (join(start); !work.empty();) {
      const State s = states[work.back()];
      work.pop_back();
      const auto list = graph.of(s);
      if (list.size() > states.size()) {
        for (std::size_t i = 0; i < states.size(); ++i) {
          if (label[i] < 0 && graph.adjacent(s, states[i])) join(i);
        }
        continue;
      }
      for (const State t : list) {
        const auto it = std::lower_bound(states.begin(), states.end(), t);
        if (it == states.end() || *it != t) continue;
        const auto i = static_cast<std::size_t>(it - states.begin());
        if (label[i] < 0) join(i);
      }
    }
    ++n;
  }
  return n;
}

}  // namespace mdp::graph
