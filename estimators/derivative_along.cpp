#include "estimators/derivative_along.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "estimators/finite_costs.hpp"
#include "estimators/parameters.hpp"
#include "estimators/running_moments.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::estimators {
namespace {

constexpr std::int64_t trajectories_per_block = 256;

/// What a step needs of its row, side by side.
struct RowNumbers {
  double score = 0.0;
  double cost = 0.0;
};

Buffer<RowNumbers> row_numbers(const Mdp& mdp, std::span<const double> policy, const LogitDirection& u) {
  Direction direction;
  direction.policy_logit.assign(at(mdp.n_rows()), 0.0);
  if (u.row.size() != u.weight.size()) {
    throw InvalidArgument("the direction has " + std::to_string(u.row.size()) + " rows and " +
                          std::to_string(u.weight.size()) + " weights");
  }
  for (std::size_t k = 0; k < u.row.size(); ++k) {
    if (u.row[k] < 0 || u.row[k] >= mdp.n_rows()) {
      throw InvalidArgument("the direction names row " + std::to_string(u.row[k]) +
                            ", required 0 <= row < n_rows = " + std::to_string(mdp.n_rows()));
    }
    direction.policy_logit[at(u.row[k])] += u.weight[k];
  }
  const DirectionScores scores(mdp, policy, direction, 0.0);
  Buffer<RowNumbers> numbers(at(mdp.n_rows()));
  for (std::size_t row = 0; row < numbers.size(); ++row) numbers[row] = {scores.policy()[row], mdp.cost()[row]};
  return numbers;
}

/// Running sums of the trajectories of a block.
struct Along {
  double score = 0.0, derivative = 0.0, total = 0.0;
};

struct Block {
  RunningMoments derivative, total;
};

Block run(const Simulator& simulator, std::span<const RowNumbers> rows, std::span<const double> power,
          std::uint64_t seed, std::int64_t first, std::int64_t last) {
  std::array<Along, trajectories_per_block> along{};
  simulator.draw_side_by_side(
      seed, static_cast<std::uint64_t>(first), last - first, static_cast<std::int64_t>(power.size()),
      [&](std::int64_t i, std::int64_t k, State, Offset row, State) {
        Along& x = along[at(i)];
        x.score += rows[at(row)].score;
        const double cost = power[at(k)] * rows[at(row)].cost;
        x.total += cost;
        x.derivative += cost * x.score;
      },
      [&](Offset row) { __builtin_prefetch(rows.data() + row); });
  Block block;
  for (std::int64_t i = 0; i < last - first; ++i) {
    block.derivative.add(along[at(i)].derivative);
    block.total.add(along[at(i)].total);
  }
  return block;
}

}  // namespace

SampledDerivative sample_derivative_along(const Mdp& mdp, std::span<const double> stochastic_policy,
                                          const LogitDirection& u, const SimulationOptions& options) {
  if (const auto broken = options.check(); !broken.empty()) {
    throw InvalidOption("sample_derivative_along: " + broken);
  }
  require_finite_return(mdp, stochastic_policy);
  Simulator simulator(mdp, stochastic_policy, options.threads);
  simulator.pack_for(options.n_trajectories * options.horizon, options.threads);
  const Buffer<RowNumbers> rows = row_numbers(mdp, stochastic_policy, u);
  std::vector<double> power(at(options.horizon), 1.0);
  for (std::size_t k = 1; k < power.size(); ++k) power[k] = power[k - 1] * mdp.discount();
  const std::int64_t n = options.n_trajectories;
  std::vector<Block> blocks(at((n + trajectories_per_block - 1) / trajectories_per_block));
  kernels::parallel_blocks(static_cast<std::ptrdiff_t>(blocks.size()), options.threads, [&](std::ptrdiff_t b) {
    const std::int64_t first = b * trajectories_per_block;
    blocks[at(b)] = run(simulator, rows, power, options.seed, first, std::min(n, first + trajectories_per_block));
  });
  Block total;
  for (const Block& block : blocks) {
    total.derivative.merge(block.derivative);
    total.total.merge(block.total);
  }
  return {n, total.derivative.mean, total.derivative.standard_deviation(), total.derivative.standard_error(),
          total.total.mean};
}

}  // namespace mdp::estimators
