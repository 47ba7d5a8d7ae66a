// estimators/critic_batch.hpp — the trajectories that critics learn from.
#pragma once

#include <span>
#include <vector>

#include "estimators/problem.hpp"

namespace mdp::estimators {

/// critic_trajectories of N steps of critic_seed, numbers critic_index, critic_index + 1, …: independent of all others.
struct CriticBatch {
  explicit CriticBatch(const Problem& problem);

  /// f(rows, entries) of every trajectory, in order.
  template <class F>
  void for_trajectories(const F& f) const {
    for (std::size_t first = 0; first < rows.size(); first += n_steps)
      f(std::span(rows).subspan(first, n_steps), std::span(entries).subspan(first, n_steps));
  }

  std::size_t n_steps;
  std::vector<Offset> rows, entries;  ///< [n * N] pairs and transitions
};

}  // namespace mdp::estimators
