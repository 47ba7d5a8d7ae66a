// estimators/gradient_report.hpp — a sampled policy gradient beside its exact mean, deviation, bias and truth.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "estimators/moments.hpp"
#include "estimators/score_gradient.hpp"

namespace mdp::estimators {

struct GradientReportOptions {
  SimulationOptions simulation = {};
  std::vector<double> baseline = {};  ///< [n_states] b, or empty = 0
  /// Rows whose logits are reported. Empty: all rows of states with a choice if they are at most `max_parameters` and cost
  /// at most `max_products`, else those with the largest |truth| (discount 1: the first ones), at least one.
  std::vector<Offset> rows = {};
  std::int64_t max_parameters = 256;  ///< >= 1
  /// Exact moments take horizon * n_transitions products a logit, some 10^9 a second on a core. >= 1
  double max_products = 1e10;
  /// Probability that a right estimator is called inconsistent, for all parameters together (Bonferroni). (0, 1).
  double level = 1e-6;
  /// z-scores of states that fewer trajectories met are reported but not judged: they are far from normal. >= 1
  std::int64_t min_visiting = 100;

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// Arrays are [rows.size()] unless said otherwise; cost sense. The total error of a sampled gradient is
///     sampled - truth  =  (sampled - exact.mean)  +  bias,
/// the first a random number of mean 0 and deviation sqrt(exact.variance / n), the second fixed by the horizon.
struct GradientReport {
  std::vector<Offset> rows;
  ScoreGradient sampled;      ///< of every row of the MDP, [n_rows]
  GradientMoments exact;      ///< X2, in the order of `rows`
  std::vector<double> truth;  ///< gradient of J over an infinite horizon (D6); NaN for discount 1
  std::vector<double> bias;   ///< exact.mean - truth: E5, at most sampled.gradient_truncation_bound
  std::vector<double>
      z;  ///< (sampled mean - exact.mean) / sqrt(exact.variance / n); NaN where the variance is rounding error
  double truth_error_bound = not_computed;  ///< of each entry of truth
  double return_truth = not_computed;       ///< J; NaN for discount 1
  double return_bias = not_computed;
  double return_z = not_computed;
  double max_abs_z = 0.0;  ///< over the parameters judged
  std::int64_t n_judged = 0;
  double z_threshold = not_computed;  ///< normal quantile of level / (2 n_judged)
  bool consistent = false;            ///< max_abs_z <= z_threshold
};

/// Samples E1, computes X2 and the true gradient, and compares.
/// \throws as score_gradient() and score_gradient_moments().
[[nodiscard]] GradientReport gradient_report(const Mdp& mdp, std::span<const double> stochastic_policy,
                                             const GradientReportOptions& options = {});

/// z with P(|Z| > z) = level for a standard normal Z. \param level  in (0, 1)
[[nodiscard]] double two_sided_normal_quantile(double level);

}  // namespace mdp::estimators
