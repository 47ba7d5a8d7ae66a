// libmdp/graph/approach.hpp — ways to a target: states by distance, and rows that lead nearer (internal to solvers).
#pragma once

#include <span>
#include <vector>

#include "libmdp/graph/closure.hpp"

namespace mdp::graph {

struct Approach {
  /// States outside the target that usable rows lead to it from, nearest first (in steps).
  std::vector<State> order;
  /// [n_states] a row that can lead a step nearer, of those the one that leads to the least expected distance, the lowest of
  /// equals; -1 outside `order`. Where rows lead to the target and states of `order` only, the policy that takes them reaches
  /// the target with probability 1: from each state a path of length <= n_states does.
  std::vector<Offset> rows;
};

/// Backward breadth-first search. O(n_transitions).
[[nodiscard]] Approach approach(const Mdp& mdp, const Predecessors& into, const StateSet& target,
                                std::span<const char> usable);

}  // namespace mdp::graph
