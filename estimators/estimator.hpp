// estimators/estimator.hpp — what an estimator is: a value per trajectory, and its exact moments.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "estimators/problem.hpp"
#include "estimators/simulator.hpp"

namespace mdp::estimators {

/// The derivatives asked for: first ones by `rows`, or second ones by pairs of `rows` and `columns`.
struct Targets {
  std::vector<Parameter> rows;
  std::vector<Parameter> columns;  ///< empty: first derivatives
  bool symmetric = false;          ///< rows and columns are the same list

  [[nodiscard]] std::size_t size() const { return columns.empty() ? rows.size() : rows.size() * columns.size(); }
};

/// All parameters of a quantity that is a gradient or a matrix of second derivatives.
[[nodiscard]] Targets targets_of(const Mdp& mdp, Quantity quantity);

/// Indices of trajectories from which an estimator draws more than the trajectory itself, and of the batch that critics
/// learn from; those of sample() are below.
inline constexpr std::uint64_t branch_index = std::uint64_t{1} << 63;
inline constexpr std::uint64_t critic_index = std::uint64_t{1} << 62;

/// One trajectory of N steps, and its name (seed, index).
struct SampledPath {
  std::span<const State> state;   ///< [N+1]
  std::span<const Offset> row;    ///< [N]
  std::span<const Offset> entry;  ///< [N] the transition taken; that of the last step does not matter
  std::uint64_t seed = 0;
  std::uint64_t index = 0;
};

/// Sums over trajectories of the first four powers of the estimates, one per target.
struct Tally {
  std::vector<double> sum, squares, cubes, fourths;
  std::int64_t n_trajectories = 0;
  std::int64_t transitions = 0;  ///< simulated, those of branches included

  explicit Tally(std::size_t n = 0) : sum(n), squares(n), cubes(n), fourths(n) {}
  void add(std::size_t target, double x) {
    sum[target] += x;
    squares[target] += x * x;
    cubes[target] += x * x * x;
    fourths[target] += x * x * x * x;
  }
  void merge(const Tally& other);
};

/// Exact but for rounding, of ONE trajectory's estimate. `meaning` says what they are:
/// "recursion" (X2), "conditional on the critic" (X2, given what the critic learned), "delta method" (to O(1/n)).
struct ExactMoments {
  std::vector<double> mean;             ///< [n_targets]
  std::vector<double> variance;         ///< [n_targets], or empty: not computed
  std::vector<double> covariance = {};  ///< [n_targets * n_targets], or empty: not asked for, or not known
  /// [n_targets] c, or empty = 0: the estimate of n trajectories has mean `mean` + c / n + O(1/n^2), variance
  /// `variance` / n + O(1/n^2).
  std::vector<double> bias_times_n;
  std::string meaning = "recursion";
};

/// Called with the fraction done, now and then; false: stop.
using Observer = std::function<bool(double)>;

/// What an observer of n equal pieces of work sees of piece k.
[[nodiscard]] Observer of_piece(const Observer& whole, std::size_t k, std::size_t n);

/// What a worker keeps between trajectories; estimators make their own kind.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  virtual ~Scratch() = default;
};

/// An estimator prepared for a problem and its targets. Immutable; many threads may read it.
class Statistic {
 public:
  Statistic() = default;
  Statistic(const Statistic&) = delete;
  Statistic& operator=(const Statistic&) = delete;
  virtual ~Statistic() = default;

  /// Numbers per tally: the targets, and what weight_target() adds.
  [[nodiscard]] virtual std::size_t n_tallied() const = 0;
  [[nodiscard]] virtual std::unique_ptr<Scratch> scratch() const = 0;
  /// Whether add() is given a trajectory. If not, its `index` alone is, and add() draws what it needs.
  [[nodiscard]] virtual bool needs_path() const { return true; }
  /// Adds the estimates of one trajectory, 0 for every target that is not added.
  virtual void add(const SampledPath& path, Scratch& scratch, Tally& tally) const = 0;
  /// The policy that draws the trajectories.
  [[nodiscard]] virtual const StochasticPolicy& drawn_by() const = 0;
  /// About how many products exact() takes.
  [[nodiscard]] virtual double exact_products(bool variance) const = 0;
  /// `mean` is empty if the observer stopped it.
  [[nodiscard]] virtual ExactMoments exact(bool variance, const Observer& observer = {}) const = 0;
  /// [n_targets * n_targets] covariances of ONE trajectory's estimates (X2), or empty: there is no recursion for them, or
  /// the observer stopped it.
  [[nodiscard]] virtual std::vector<double> covariance(const Observer& observer = {}) const {
    static_cast<void>(observer);
    return {};
  }
  /// About how many products covariance() takes.
  [[nodiscard]] virtual double covariance_products() const { return 0.0; }
  /// Divides the sum of all trajectories by the sum of this target; -1: by their number.
  [[nodiscard]] virtual std::ptrdiff_t weight_target() const { return -1; }
};

/// The bias that theory predicts, by its source (E5). `none`: the estimator is unbiased for the N-stage derivative.
enum class BiasSource { none, critic, ratio, state_weighting, per_step_score, missing_terms, difference };

[[nodiscard]] std::string_view word(BiasSource source);

/// A line of the table of estimators. A user's own one needs `prepare` only, best from recursion_estimator().
struct Estimator {
  std::string name;
  std::vector<Quantity> quantities;  ///< that it estimates
  BiasSource bias_source = BiasSource::none;
  /// \throws InvalidArgument if the problem has no such estimator, with the reason. The problem must outlive the result.
  std::function<std::unique_ptr<Statistic>(const Problem&, const Targets&)> prepare;
  /// [n_targets] exact mean - truth by a formula of its own, not from the moments; empty: not known.
  std::function<std::vector<double>(const Problem&, const Targets&)> predicted_bias = {};

  [[nodiscard]] bool estimates(Quantity quantity) const;
};

/// All that ship, in the order of docs/estimators.md.
[[nodiscard]] std::vector<Estimator> all_estimators();

}  // namespace mdp::estimators
