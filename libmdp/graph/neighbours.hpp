// libmdp/graph/neighbours.hpp — states as the nodes of an undirected graph, and distances in it.
#pragma once

#include <span>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::graph {

/// Who is next to whom: symmetric, no state its own neighbour, ascending. 4 B per entry.
struct NeighbourGraph {
  std::vector<Offset> begin;     ///< [n_states+1]
  std::vector<State> neighbour;  ///< [2 n_edges]

  [[nodiscard]] State n_states() const noexcept { return static_cast<State>(begin.size()) - 1; }
  [[nodiscard]] std::span<const State> of(State s) const {
    const auto first = static_cast<std::size_t>(begin[static_cast<std::size_t>(s)]);
    return std::span(neighbour).subspan(first,
                                        static_cast<std::size_t>(begin[static_cast<std::size_t>(s) + 1]) - first);
  }
  [[nodiscard]] bool adjacent(State s, State t) const;  ///< O(log degree)
};

/// s and t are neighbours if some transition leads from s to t or from t to s. O(n_transitions log max degree).
[[nodiscard]] NeighbourGraph neighbour_graph(const Mdp& mdp);

/// Breadth-first search from one state after another; scratch memory O(n_states), one object per thread.
class NeighbourSearch {
 public:
  explicit NeighbourSearch(const NeighbourGraph& graph);

  /// The states within `radius` steps of `from`, itself included, ascending.
  void ball(State from, int radius, std::vector<State>& states);

  /// Steps from `from` to each state of `to`; n_states where there is no path, which keeps the triangle inequality. The
  /// search ends when all of them are found.
  void distances(State from, std::span<const State> to, std::span<double> steps);

 private:
  /// Visits states by distance until visit(state, distance) says stop.
  template <class Visit>
  void search(State from, Visit&& visit);

  const NeighbourGraph* graph_;
  std::vector<State> distance_;  // -1 = not met; all -1 between calls
  std::vector<State> queue_;
  std::vector<State> wanted_;  // sorted targets
};

/// Components of the subgraph that a set of states induces: label[i] of states[i], labels 0 .. n-1 in order of the lowest
/// state. \param states  ascending. Returns n. O(sum of the smaller of degree and |states| log).
[[nodiscard]] int induced_components(const NeighbourGraph& graph, std::span<const State> states,
                                     std::vector<int>& label);

}  // namespace mdp::graph
