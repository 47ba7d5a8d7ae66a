#include "estimators/sampling.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "estimators/running_moments.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::estimators {
namespace {

constexpr std::int64_t trajectories_per_block = 256;
constexpr double numbers_per_wave = 4e6;  // kept in the tallies that wait to be merged

struct CentralMoments {
  double variance = not_computed;  // NaN for fewer than two trajectories
  double effective_samples = 0.0;
};

CentralMoments central_moments(const Tally& tally, std::size_t i) {
  const auto n = static_cast<double>(tally.n_trajectories);
  if (n < 2.0) return {};
  const double m = tally.sum[i] / n;
  const double m2 = tally.squares[i] / n - m * m;
  const double m4 =
      (tally.fourths[i] - 4.0 * m * tally.cubes[i] + 6.0 * m * m * tally.squares[i]) / n - 3.0 * m * m * m * m;
  const double variance = std::max(0.0, m2);
  return {variance * n / (n - 1.0), m4 > 0.0 ? n * variance * variance / m4 : 0.0};
}

struct Worker {
  std::unique_ptr<Scratch> scratch;
  std::vector<State> state;
  std::vector<Offset> row, entry;
};

/// Draws the blocks of a wave, in parallel.
class Blocks {
 public:
  Blocks(const Problem& problem, const Statistic& statistic, const SamplingOptions& options, std::size_t n_targets)
      : statistic_(statistic),
        options_(options),
        simulator_(problem.mdp(), statistic.drawn_by(), options.threads),
        workers_(at(kernels::n_threads(options.threads))) {
    for (Worker& worker : workers_) {
      worker.scratch = statistic.scratch();
      worker.state.resize(at(problem.horizon() + 1));
      worker.row.resize(at(problem.horizon()));
      worker.entry.resize(at(problem.horizon()));
    }
    const double affordable = numbers_per_wave / static_cast<double>(n_targets + 1);
    tallies_.assign(at(static_cast<std::int64_t>(std::clamp(affordable, 2.0, 64.0))), Tally(n_targets));
  }

  [[nodiscard]] std::int64_t per_wave() const { return static_cast<std::int64_t>(tallies_.size()); }
  [[nodiscard]] std::int64_t per_group() const {
    return (options_.samples + trajectories_per_block - 1) / trajectories_per_block;
  }

  /// Blocks first … last-1 into tallies 0, 1, …
  std::span<const Tally> run(std::int64_t first, std::int64_t last) {
    const auto n_workers = static_cast<std::int64_t>(workers_.size());
    kernels::parallel_blocks(n_workers, options_.threads, [&](std::ptrdiff_t w) {
      for (std::int64_t b = first + w; b < last; b += n_workers) draw(b, workers_[at(w)], tallies_[at(b - first)]);
    });
    return std::span(tallies_).first(at(last - first));
  }

 private:
  void draw(std::int64_t block, Worker& worker, Tally& tally) const {
    tally = Tally(tally.sum.size());
    const std::int64_t group = block / per_group();
    const std::int64_t begin = group * options_.samples + block % per_group() * trajectories_per_block;
    const std::int64_t end = std::min(begin + trajectories_per_block, (group + 1) * options_.samples);
    for (std::int64_t i = begin; i < end; ++i) {
      const std::uint64_t index = options_.first_index + static_cast<std::uint64_t>(i);
      ++tally.n_trajectories;
      if (options_.recorded != nullptr) {
        statistic_.add(recorded(index), *worker.scratch, tally);
        tally.transitions += options_.recorded->horizon;
        continue;
      }
      if (!statistic_.needs_path()) {
        statistic_.add({{}, {}, {}, options_.seed, index}, *worker.scratch, tally);
        continue;
      }
      simulator_.draw(
          options_.seed, index, worker.row, worker.state, [](State) { return false; }, worker.entry);
      tally.transitions += static_cast<std::int64_t>(worker.row.size());
      statistic_.add({worker.state, worker.row, worker.entry, options_.seed, index}, *worker.scratch, tally);
    }
  }

  [[nodiscard]] SampledPath recorded(std::uint64_t index) const {
    const RecordedPaths& paths = *options_.recorded;
    const auto n = static_cast<std::size_t>(paths.horizon);
    const auto i = static_cast<std::size_t>(index);
    return {std::span(paths.state).subspan(i * (n + 1), n + 1), std::span(paths.row).subspan(i * n, n),
            std::span(paths.entry).subspan(i * n, n), options_.seed, index};
  }

  const Statistic& statistic_;
  const SamplingOptions& options_;
  Simulator simulator_;
  std::vector<Worker> workers_;
  std::vector<Tally> tallies_;
};

}  // namespace

std::string SamplingOptions::check() const {
  if (samples < 1) return "samples = " + std::to_string(samples) + ", required >= 1";
  if (replications < 1) return "replications = " + std::to_string(replications) + ", required >= 1";
  return "";
}

namespace {

void require_enough(const Problem& problem, const Statistic& statistic, const SamplingOptions& options) {
  if (options.recorded == nullptr) return;
  const RecordedPaths& paths = *options.recorded;
  if (!statistic.needs_path())
    throw InvalidArgument("this estimator draws its own trajectories: it cannot use recorded ones");
  if (paths.horizon != problem.horizon()) {
    throw InvalidArgument("recorded trajectories have " + std::to_string(paths.horizon) +
                          " steps, required horizon = " + std::to_string(problem.horizon()));
  }
  const std::int64_t last = static_cast<std::int64_t>(options.first_index) + options.samples * options.replications;
  if (paths.n_trajectories < last) {
    throw InvalidArgument(std::to_string(paths.n_trajectories) + " trajectories are recorded, required " +
                          std::to_string(last));
  }
}

}  // namespace

bool for_each_group(const Problem& problem, const Statistic& statistic, const SamplingOptions& options,
                    const std::function<void(const Tally&)>& finished) {
  if (const auto broken = options.check(); !broken.empty()) throw InvalidOption("sample: " + broken);
  require_enough(problem, statistic, options);
  const std::size_t n_targets = statistic.n_tallied();
  Blocks blocks(problem, statistic, options, n_targets);
  const std::int64_t n_blocks = blocks.per_group() * options.replications;
  Tally group(n_targets);
  for (std::int64_t first = 0; first < n_blocks; first += blocks.per_wave()) {
    const double fraction = static_cast<double>(first) / static_cast<double>(n_blocks);
    if (options.observer && !options.observer(fraction)) {
      if (first > 0 && first <= blocks.per_group() && group.n_trajectories > 0) finished(group);
      return false;
    }
    std::int64_t block = first;
    for (const Tally& tally : blocks.run(first, std::min(n_blocks, first + blocks.per_wave()))) {
      group.merge(tally);
      if (++block % blocks.per_group() != 0) continue;
      finished(group);
      group = Tally(n_targets);
    }
  }
  return true;
}

Sampled pooled(const Tally& tally) {
  Sampled result;
  result.n_trajectories = tally.n_trajectories;
  result.transitions = tally.transitions;
  for (std::size_t i = 0; i < tally.sum.size(); ++i) {
    const CentralMoments central = central_moments(tally, i);
    result.mean.push_back(tally.sum[i] / static_cast<double>(tally.n_trajectories));
    result.standard_deviation.push_back(std::sqrt(central.variance));
    result.effective_samples.push_back(central.effective_samples);
  }
  return result;
}

Sampled sample(const Problem& problem, const Statistic& statistic, const SamplingOptions& options,
               std::span<const double> truth) {
  const auto start = std::chrono::steady_clock::now();
  const std::size_t n = truth.size();
  const std::ptrdiff_t weight = statistic.weight_target();
  Sampled result;
  std::vector<RunningMoments> estimates(n);
  Tally total(statistic.n_tallied());
  double squared_error = 0.0;
  result.interrupted = !for_each_group(problem, statistic, options, [&](const Tally& group) {
    const double divisor =
        weight < 0 ? static_cast<double>(group.n_trajectories) : group.sum[static_cast<std::size_t>(weight)];
    for (std::size_t i = 0; i < n; ++i) {
      const double estimate = group.sum[i] / divisor;
      estimates[i].add(estimate);
      squared_error += (estimate - truth[i]) * (estimate - truth[i]);
    }
    total.merge(group);
    ++result.replications;
  });
  result.n_trajectories = total.n_trajectories;
  result.transitions = total.transitions;
  for (std::size_t i = 0; i < n; ++i) {
    const CentralMoments central = central_moments(total, i);
    result.mean.push_back(result.replications == 0 ? not_computed : estimates[i].mean);
    result.standard_deviation.push_back(weight < 0 ? std::sqrt(central.variance) : not_computed);
    result.effective_samples.push_back(central.effective_samples);
    result.replicate_deviation.push_back(estimates[i].standard_deviation());
  }
  if (result.replications > 0) result.mean_squared_error = squared_error / static_cast<double>(result.replications);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace mdp::estimators
