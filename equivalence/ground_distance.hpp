// equivalence/ground_distance.hpp — how far mass is moved: the metric under Wasserstein-1.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "libmdp/graph/neighbours.hpp"
#include "libmdp/types.hpp"

namespace mdp::equivalence {

/// A metric on the states; safe to call from several threads at once.
using Metric = std::function<double(State, State)>;

/// Distances between states: those of a metric that is given, or steps in a neighbour graph (n_states between states that
/// no path joins). One object per thread.
class GroundDistance {
 public:
  /// \param metric  finite, >= 0
  explicit GroundDistance(const Metric& metric) : metric_(&metric) {}
  explicit GroundDistance(const graph::NeighbourGraph& graph) : search_(1, graph::NeighbourSearch(graph)) {}

  /// distance[j] = d(from, to[j])
  void operator()(State from, std::span<const State> to, std::span<double> distance) {
    if (metric_ == nullptr) return search_.front().distances(from, to, distance);
    for (std::size_t j = 0; j < to.size(); ++j) distance[j] = (*metric_)(from, to[j]);
  }

 private:
  const Metric* metric_ = nullptr;
  std::vector<graph::NeighbourSearch> search_;  // one, or none with a metric
};

}  // namespace mdp::equivalence
