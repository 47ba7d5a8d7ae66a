#include "estimators/simulator.hpp"

#include <algorithm>
#include <utility>

#include "estimators/final_states.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::estimators {
namespace {

StochasticPolicy checked(const Mdp& mdp, std::span<const double> policy) {
  require_valid(mdp, policy);
  return {policy.begin(), policy.end()};
}

StochasticPolicy checked(const Mdp& mdp, std::span<const Action> policy) {
  require_valid(mdp, policy);
  return to_stochastic(mdp, policy);
}

constexpr std::int64_t block_size = 64;

Trajectories simulate_all(Simulator simulator, const SimulationOptions& options) {
  if (const auto broken = options.check(); !broken.empty()) throw InvalidOption("simulate: " + broken);
  simulator.pack_for(options.n_trajectories * options.horizon, options.threads);
  const Mdp& mdp = simulator.mdp();
  const std::int64_t n = options.n_trajectories;
  const std::int64_t steps = options.horizon;
  Trajectories result{.n_trajectories = n, .horizon = steps, .state = {}, .action = {}, .cost = {}};
  result.state.resize(at(n * (steps + 1)));
  result.action.resize(at(n * steps));
  result.cost.resize(at(n * steps));
  kernels::parallel_blocks((n + block_size - 1) / block_size, options.threads, [&](std::ptrdiff_t block) {
    const std::int64_t first = block * block_size;
    simulator.draw_side_by_side(options.seed, static_cast<std::uint64_t>(first), std::min(n - first, block_size), steps,
                                [&](std::int64_t i, std::int64_t k, State s, Offset row, State next) {
                                  const std::int64_t t = first + i;
                                  result.state[at(t * (steps + 1) + k)] = s;
                                  result.state[at(t * (steps + 1) + k + 1)] = next;
                                  result.action[at(t * steps + k)] = static_cast<Action>(row - mdp.state_rows()[at(s)]);
                                  result.cost[at(t * steps + k)] = mdp.cost()[at(row)];
                                });
  });
  return result;
}

TransitionData sized(Offset n) {
  TransitionData data;
  data.state.resize(at(n));
  data.action.resize(at(n));
  data.next_state.resize(at(n));
  return data;
}

}  // namespace

std::string SimulationOptions::check() const {
  if (n_trajectories < 1) return "n_trajectories = " + std::to_string(n_trajectories) + ", required >= 1";
  if (horizon < 1) return "horizon = " + std::to_string(horizon) + ", required >= 1";
  return "";
}

Simulator::Simulator(const Mdp& mdp, std::span<const double> stochastic_policy, int threads)
    : mdp_(mdp),
      policy_(checked(mdp, stochastic_policy)),
      action_law_(policy_.begin(), policy_.end()),
      final_(final_states(mdp)),
      initial_range_{0, mdp.n_states()},
      initial_(initial_range_, mdp_.initial(), threads),
      actions_(mdp_.state_rows(), action_law_, threads),
      successors_(mdp_.row_begin(), mdp_.probability(), threads) {}

Simulator::Simulator(const Mdp& mdp, std::span<const Action> policy, int threads)
    : Simulator(mdp, std::span<const double>(checked(mdp, policy)), threads) {}

bool Simulator::pack_for(std::int64_t n_steps, int threads) {
  if (n_steps >= 2 * mdp_.n_rows() && !packed_) packed_ = PackedSteps::make(mdp_, action_law_, threads);
  return packed_.has_value();
}

Trajectories simulate(const Mdp& mdp, std::span<const double> stochastic_policy, const SimulationOptions& options) {
  return simulate_all(Simulator(mdp, stochastic_policy, options.threads), options);
}

Trajectories simulate(const Mdp& mdp, std::span<const Action> policy, const SimulationOptions& options) {
  return simulate_all(Simulator(mdp, policy, options.threads), options);
}

TransitionData transitions_of(const Trajectories& t) {
  TransitionData data = sized(t.n_trajectories * t.horizon);
  data.action = t.action;
  for (std::int64_t i = 0; i < t.n_trajectories; ++i) {
    const auto first = t.state.begin() + i * (t.horizon + 1);
    std::copy(first, first + t.horizon, data.state.begin() + i * t.horizon);
    std::copy(first + 1, first + 1 + t.horizon, data.next_state.begin() + i * t.horizon);
  }
  return data;
}

TransitionData sample_transitions(const Mdp& mdp, std::int64_t samples_per_row, std::uint64_t seed, int threads) {
  if (samples_per_row < 1) {
    throw InvalidOption("sample_transitions: samples_per_row = " + std::to_string(samples_per_row) + ", required >= 1");
  }
  const DiscreteLaws successors(mdp.row_begin(), mdp.probability(), threads);
  TransitionData data = sized(mdp.n_rows() * samples_per_row);
  kernels::for_states(mdp.blocks(), threads, [&](State first, State last) {
    for (State s = first; s < last; ++s) {
      for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
        RandomSequence random(seed, RandomStream::transition, static_cast<std::uint64_t>(row));
        for (Offset i = row * samples_per_row; i < (row + 1) * samples_per_row; ++i) {
          data.state[at(i)] = s;
          data.action[at(i)] = static_cast<Action>(row - mdp.state_rows()[at(s)]);
          data.next_state[at(i)] = mdp.next_state()[at(mdp.row_begin()[at(row)] + successors.draw(random, row))];
        }
      }
    }
  });
  return data;
}

}  // namespace mdp::estimators
