// estimators/sampling.hpp — estimates from trajectories, in groups whose estimates are kept apart.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "estimators/estimator.hpp"
#include "estimators/trajectory_file.hpp"

namespace mdp::estimators {

struct SamplingOptions {
  std::int64_t samples = 1000;    ///< trajectories of one estimate, >= 1
  std::int64_t replications = 1;  ///< independent estimates, >= 1
  std::uint64_t seed = 1;
  std::uint64_t first_index = 0;  ///< number of the first trajectory: other ones of the same seed are independent
  /// Trajectories first_index, … of these in place of simulated ones; their states and actions must be such as
  /// Statistic::drawn_by() and the model draw. Null: simulate.
  const RecordedPaths* recorded = nullptr;
  int threads = 0;         ///< 0 = all; no result depends on it
  Observer observer = {};  ///< stops after the estimates finished so far

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// Draws `replications` groups of `samples` trajectories and hands over the sums of each group, in order: group r holds
/// trajectories r samples … (r+1) samples - 1 of the seed. Blocks of at most 256 trajectories run in parallel and are merged
/// in order: the same bits for any number of threads.
/// \returns false if the observer stopped it: a group that is not finished is dropped, unless it is the first one, which
/// is handed over as far as it goes.
/// \throws InvalidArgument if there are too few recorded trajectories, if they are not N steps long, or if the estimator
///         draws its own.
bool for_each_group(const Problem& problem, const Statistic& statistic, const SamplingOptions& options,
                    const std::function<void(const Tally&)>& finished);

/// What was sampled. An estimate is the mean over a group, or sum / sum of weights (Statistic::weight_target()).
struct Sampled {
  std::int64_t replications = 0;  ///< finished
  std::int64_t n_trajectories = 0;
  std::int64_t transitions = 0;
  bool interrupted = false;
  double seconds = not_computed;
  std::vector<double> mean;                 ///< [n_targets] mean of the estimates
  std::vector<double> standard_deviation;   ///< [n_targets] of one trajectory; NaN for weighted estimates
  std::vector<double> replicate_deviation;  ///< [n_targets] of one estimate; NaN for a single one
  /// [n_targets] n / kurtosis: that many trajectories shape the mean (n/3 for a normal law, n p for an event of
  /// probability p). Below about 100 the mean is far from normal.
  std::vector<double> effective_samples;
  double mean_squared_error = not_computed;  ///< mean over the estimates of |estimate - truth|^2
};

/// Means over all trajectories of a tally and their deviations; nothing of replications.
[[nodiscard]] Sampled pooled(const Tally& tally);

/// \param truth  [n_targets]
[[nodiscard]] Sampled sample(const Problem& problem, const Statistic& statistic, const SamplingOptions& options,
                             std::span<const double> truth);

}  // namespace mdp::estimators
