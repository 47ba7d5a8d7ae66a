#include "estimators/score_gradient.hpp"

#include <algorithm>
#include <chrono>

#include "estimators/finite_costs.hpp"
#include "estimators/running_moments.hpp"
#include "estimators/truncation.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::estimators {
namespace {

constexpr std::int64_t trajectories_per_block = 256;
constexpr std::int64_t blocks_per_wave = 16;  // whose results wait in memory to be merged in order

/// What one block of trajectories found: moments of Gamma over the trajectories that met a state, for its rows.
struct BlockResult {
  std::vector<State> state;             // in the order in which they were met
  std::vector<RunningMoments> moments;  // rows of state[0], rows of state[1], …
  RunningMoments returns;
};

/// Draws blocks of trajectories; keeps its scratch between them.
class Worker {
 public:
  Worker(const Simulator& simulator, const SimulationOptions& options, std::span<const double> baseline)
      : simulator_(simulator),
        mdp_(simulator.mdp()),
        options_(options),
        baseline_(baseline),
        slot_(at(mdp_.n_states()), -1),
        row_(at(options.horizon)),
        path_(at(options.horizon) + 1) {}

  BlockResult run(std::int64_t first, std::int64_t last) {
    BlockResult block;
    slots_.clear();
    gamma_.clear();
    for (std::int64_t i = first; i < last; ++i) add_trajectory(i, block);
    for (const State s : block.state) slot_[at(s)] = -1;
    return block;
  }

 private:
  /// A state met in this block: where its rows begin in block.moments and gamma_.
  struct Slot {
    std::size_t begin = 0;
    double weight = 0.0;  // sum of gamma^t (G_t - b) over this trajectory's visits
    bool touched = false;
  };

  [[nodiscard]] double baseline(State s) const { return baseline_.empty() ? 0.0 : baseline_[at(s)]; }

  Slot& slot_of(State s, BlockResult& block) {
    std::int32_t& number = slot_[at(s)];
    if (number < 0) {
      number = static_cast<std::int32_t>(slots_.size());
      slots_.push_back({.begin = gamma_.size()});
      block.state.push_back(s);
      gamma_.resize(gamma_.size() + at(mdp_.n_actions(s)), 0.0);
      block.moments.resize(gamma_.size());
    }
    return slots_[static_cast<std::size_t>(number)];
  }

  /// Gamma of one trajectory: gamma_(s,a) = sum of weights of the visits that chose a, minus pi(a|s) times all weights.
  void add_trajectory(std::int64_t index, BlockResult& block) {
    const auto stop = [this](State s) { return simulator_.is_final(s) && baseline(s) == 0.0; };
    const std::int64_t steps = simulator_.draw(options_.seed, static_cast<std::uint64_t>(index), row_, path_, stop);
    const double discount = mdp_.discount();
    powers_.resize(std::max(powers_.size(), at(steps) + 1), 1.0);
    for (; n_powers_ <= at(steps); ++n_powers_) powers_[n_powers_] = powers_[n_powers_ - 1] * discount;
    touched_.clear();
    double g = 0.0;
    for (std::int64_t t = steps; t-- > 0;) {
      const State s = path_[at(t)];
      g = mdp_.cost()[at(row_[at(t)])] + discount * g;
      const double weight = powers_[at(t)] * (g - baseline(s));
      Slot& slot = slot_of(s, block);
      if (!slot.touched) touched_.push_back(s);
      slot.touched = true;
      slot.weight += weight;
      gamma_[slot.begin + at(row_[at(t)] - mdp_.state_rows()[at(s)])] += weight;
    }
    block.returns.add(g);
    for (const State s : touched_) finish_state(s, block);
  }

  void finish_state(State s, BlockResult& block) {
    Slot& slot = slots_[static_cast<std::size_t>(slot_[at(s)])];
    const double* policy = simulator_.policy().data() + mdp_.state_rows()[at(s)];
    for (std::size_t a = 0; a < at(mdp_.n_actions(s)); ++a) {
      double& gamma = gamma_[slot.begin + a];
      block.moments[slot.begin + a].add(gamma - policy[a] * slot.weight);
      gamma = 0.0;
    }
    slot.weight = 0.0;
    slot.touched = false;
  }

  const Simulator& simulator_;
  const Mdp& mdp_;
  const SimulationOptions& options_;
  std::span<const double> baseline_;
  std::vector<std::int32_t> slot_;  // [n_states] position in slots_, -1 = not met in this block
  std::vector<Offset> row_;
  std::vector<State> path_;
  std::vector<double> powers_;  // gamma^t
  std::size_t n_powers_ = 1;
  std::vector<Slot> slots_;
  std::vector<double> gamma_;  // laid out as block.moments; 0 between trajectories
  std::vector<State> touched_;
};

/// Totals over all blocks, merged in block order.
struct Totals {
  std::vector<RunningMoments> moments;  // [n_rows] over the trajectories that met the row's state
  RunningMoments returns;

  void merge(const Mdp& mdp, const BlockResult& block) {
    returns.merge(block.returns);
    const RunningMoments* from = block.moments.data();
    for (const State s : block.state) {
      for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
        moments[at(row)].merge(*from++);
      }
    }
  }
};

Totals sample(const Simulator& simulator, const SimulationOptions& options, std::span<const double> baseline) {
  const std::int64_t n_blocks = (options.n_trajectories + trajectories_per_block - 1) / trajectories_per_block;
  const auto n_workers = std::min<std::int64_t>(kernels::n_threads(options.threads), n_blocks);
  std::vector<Worker> workers(at(n_workers), Worker(simulator, options, baseline));
  Totals totals{.moments = std::vector<RunningMoments>(at(simulator.mdp().n_rows())), .returns = {}};
  std::vector<BlockResult> results(at(std::min(blocks_per_wave, n_blocks)));
  for (std::int64_t wave = 0; wave < n_blocks; wave += blocks_per_wave) {
    const std::int64_t n = std::min(blocks_per_wave, n_blocks - wave);
    kernels::parallel_blocks(n_workers, options.threads, [&](std::ptrdiff_t w) {
      for (std::int64_t b = w; b < n; b += n_workers) {
        const std::int64_t first = (wave + b) * trajectories_per_block;
        results[at(b)] = workers[at(w)].run(first, std::min(options.n_trajectories, first + trajectories_per_block));
      }
    });
    for (std::int64_t b = 0; b < n; ++b) totals.merge(simulator.mdp(), results[at(b)]);
  }
  return totals;
}

}  // namespace

ScoreGradient score_gradient(const Mdp& mdp, std::span<const double> stochastic_policy,
                             const SimulationOptions& options, std::span<const double> baseline) {
  const auto start = std::chrono::steady_clock::now();
  if (const auto broken = options.check(); !broken.empty()) throw InvalidOption("score_gradient: " + broken);
  require_finite_return(mdp, stochastic_policy);
  require_valid_baseline(mdp, baseline);
  Totals totals = sample(Simulator(mdp, stochastic_policy, options.threads), options, baseline);

  ScoreGradient result;
  result.n_trajectories = options.n_trajectories;
  result.horizon = options.horizon;
  for (State s = 0; s < mdp.n_states(); ++s) {
    result.n_visiting.push_back(totals.moments[at(mdp.state_rows()[at(s)])].n);
  }
  for (RunningMoments& moments : totals.moments) {
    moments.add_zeros(options.n_trajectories);
    result.mean.push_back(moments.mean);
    result.standard_deviation.push_back(moments.standard_deviation());
    result.standard_error.push_back(moments.standard_error());
  }
  result.return_mean = totals.returns.mean;
  result.return_standard_deviation = totals.returns.standard_deviation();
  result.return_standard_error = totals.returns.standard_error();
  const TruncationBounds truncation = truncation_bounds(mdp, stochastic_policy, options.horizon, options.threads);
  result.return_truncation_bound = truncation.performance;
  result.gradient_truncation_bound = truncation.gradient;
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace mdp::estimators
