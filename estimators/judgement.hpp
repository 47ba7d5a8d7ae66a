// estimators/judgement.hpp — an estimator against its exact moments, and those against the truth.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "estimators/estimator.hpp"
#include "estimators/sampling.hpp"

namespace mdp::estimators {

struct JudgementOptions {
  std::vector<std::int64_t> samples = {1000};  ///< trajectories of one estimate, each >= 1; the last is judged
  std::int64_t replications = 1;
  std::uint64_t seed = 1;
  const RecordedPaths* recorded = nullptr;  ///< as in SamplingOptions
  int threads = 0;
  /// Probability that a right estimator is called inconsistent, for all its targets together (Bonferroni). (0, 1)
  double level = 1e-6;
  /// z-scores of targets that fewer effective samples shape (Sampled) are held against Chebyshev's limit only. >= 1
  double min_effective_samples = 10.0;
  double max_products = 3e11;  ///< exact variances and covariances are left out if they take more
  bool covariance = false;     ///< exact covariances of all targets, too
  Observer observer = {};      ///< of exact moments and sampling

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// Estimates from n trajectories.
struct SampleSize {
  std::int64_t samples = 0;
  Sampled sampled;
  /// E |estimate - truth|^2 = trace of the variance / n + |bias|^2. NaN without exact variances.
  double exact_mean_squared_error = not_computed;
};

struct Judgement {
  std::string name;
  BiasSource bias_source = BiasSource::none;
  ExactMoments exact;
  std::vector<double> expected;                ///< [n_targets] mean of an estimate of the last sample size
  double exact_variance_trace = not_computed;  ///< of one trajectory
  double exact_bias_norm = not_computed;       ///< |expected - truth|
  double predicted_bias_norm = not_computed;   ///< NaN: no formula
  double bias_defect = not_computed;           ///< |mean - truth - predicted|; unbiased: predicted = 0
  double bias_tolerance = not_computed;        ///< what rounding may leave of it
  std::vector<SampleSize> sizes;
  std::vector<double>
      standard_error;  ///< [n_targets] of the pooled mean; exact, or from the sample without exact variance
  bool standard_error_is_exact = true;
  std::vector<double> z;  ///< [n_targets] NaN where the variance is rounding error
  /// |z| of the target that is nearest to its limit, and that limit. With m = n_judged + n_by_chebyshev and q the normal quantile
  /// of level / (2 m): q sqrt(1 + q / (3 sqrt(effective samples))), Bernstein's correction of the tail of a sum of few large
  /// terms, whose size the sample's kurtosis estimates; and sqrt(m / level) where the effective samples are too few for that:
  /// P(|z| >= x) <= 1 / x^2 for any law, the variance being exact.
  double z_max = 0.0;
  double z_limit = not_computed;
  std::int64_t n_judged = 0;        ///< targets held against the first limit, of which 1% of a mean may be seen
  std::int64_t n_by_chebyshev = 0;  ///< against the second: nothing but gross errors is seen
  std::int64_t n_constant = 0;      ///< the same on every trajectory: the sampled mean has to be the exact one
  std::int64_t n_second_order = 0;  ///< not held against anything: the delta method's first order is not their largest
  double constant_defect = 0.0;     ///< of those, the largest |sampled - exact mean| over what rounding may leave
  double expansion_parameter =
      not_computed;            ///< of the delta method (composed.hpp); NaN = it is not used; set before finish()
  bool consistent = false;     ///< z_max <= z_limit, constants are right, and the bias is what theory says
  bool by_plugged_in = false;  ///< z_max, z_limit and the numbers above are of the means that a ratio plugs in
  bool interrupted = false;    ///< where `sizes` is empty: before anything was sampled
  std::string reason;          ///< of the verdict: what it rests on, in words

  /// Whether the sample was held against anything.
  [[nodiscard]] bool judged() const { return n_judged + n_by_chebyshev + n_constant > 0; }
  /// "consistent", "inconsistent", or "unjudged": nothing contradicts, but nothing was tested on the sample either.
  [[nodiscard]] std::string_view verdict() const;

  /// What the z-scores are of: "estimate", or "plugged-in means".
  [[nodiscard]] std::string_view judged_by() const { return by_plugged_in ? "plugged-in means" : "estimate"; }
  /// What the comparison of the sample came to, in words.
  [[nodiscard]] std::string sample_text() const;
  /// Whether the bias is the predicted one, or there is no formula.
  [[nodiscard]] bool bias_is_right() const;
  [[nodiscard]] std::string bias_text() const;

  [[nodiscard]] const Sampled& sampled() const { return sizes.back().sampled; }
};

/// Samples, computes the exact moments, and compares. \param truth  stage_truth()
/// \throws InvalidOption; InvalidArgument if the estimator is not there for this problem.
[[nodiscard]] Judgement judge(const Problem& problem, const Targets& targets, const Estimator& estimator,
                              const std::vector<double>& truth, const JudgementOptions& options);

/// What follows from `exact` and `sizes`: expected means, mean squared errors, z-scores, the verdict on them.
void finish(const Problem& problem, const std::vector<double>& truth, const JudgementOptions& options, Judgement& j);

/// |x|, Euclidean.
[[nodiscard]] double norm(std::span<const double> x);
/// |x - y|.
[[nodiscard]] double distance(std::span<const double> x, std::span<const double> y);

}  // namespace mdp::estimators
