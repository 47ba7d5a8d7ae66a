#include "estimators/critic_batch.hpp"

#include "estimators/estimator.hpp"
#include "estimators/simulator.hpp"

namespace mdp::estimators {

CriticBatch::CriticBatch(const Problem& problem) : n_steps(static_cast<std::size_t>(problem.horizon())) {
  const auto n = static_cast<std::size_t>(problem.options().critic_trajectories);
  const Simulator simulator(problem.mdp(), problem.policy(), problem.options().threads);
  rows.resize(n * n_steps);
  entries.resize(n * n_steps);
  std::vector<State> state(n_steps + 1);
  for (std::size_t i = 0; i < n; ++i) {
    simulator.draw(
        problem.options().critic_seed, critic_index + i, std::span(rows).subspan(i * n_steps, n_steps), state,
        [](State) { return false; }, std::span(entries).subspan(i * n_steps, n_steps));
  }
}

}  // namespace mdp::estimators
