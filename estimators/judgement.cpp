#include "estimators/judgement.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "estimators/gradient_report.hpp"
#include "libmdp/error.hpp"

namespace mdp::estimators {
namespace {

/// A sum of N stages keeps about 12 digits of its terms' size.
constexpr double relative_rounding = 1e-11;

std::vector<double> mean_at(const ExactMoments& exact, std::int64_t n) {
  std::vector<double> mean = exact.mean;
  for (std::size_t i = 0; i < exact.bias_times_n.size(); ++i) mean[i] += exact.bias_times_n[i] / static_cast<double>(n);
  return mean;
}

void judge_bias(const Problem& problem, const Targets& targets, const Estimator& estimator,
                const std::vector<double>& truth, Judgement& j) {
  std::vector<double> predicted(truth.size(), 0.0);
  const bool known = estimator.bias_source == BiasSource::none || estimator.predicted_bias;
  if (estimator.predicted_bias) predicted = estimator.predicted_bias(problem, targets);
  double largest_value = 0.0;
  for (const double v : problem.stages().values(0)) largest_value = std::max(largest_value, std::abs(v));
  const auto stages = static_cast<double>(problem.horizon());
  j.bias_tolerance =
      relative_rounding * (norm(truth) + norm(predicted) + largest_value) * std::max(1.0, std::sqrt(stages));
  if (!known) return;
  if (estimator.predicted_bias) j.predicted_bias_norm = norm(predicted);
  for (std::size_t i = 0; i < predicted.size(); ++i) predicted[i] += truth[i];
  j.bias_defect = distance(j.exact.mean, predicted);
}

/// Variance from which the delta method's first order is more than its second, whose deviation is about the expansion
/// parameter times the largest of the first; 0 where the moments are those of a sum.
double first_order_variance(const Judgement& j) {
  if (std::isnan(j.expansion_parameter) || j.exact.variance.empty()) return 0.0;
  const double largest = *std::max_element(j.exact.variance.begin(), j.exact.variance.end());
  return 4.0 * j.expansion_parameter * j.expansion_parameter * largest;
}

/// z-scores of the last sample size. Derivatives whose variance is rounding error have none: their mean is compared itself.
void score_sample(const Problem& problem, Judgement& j) {
  const Sampled& sampled = j.sampled();
  j.standard_error_is_exact = !j.exact.variance.empty();
  const double largest = std::max(1.0, std::abs(problem.stages().performance()));
  const auto count = static_cast<double>(sampled.n_trajectories);
  const double least = first_order_variance(j);
  for (std::size_t i = 0; i < j.expected.size(); ++i) {
    const double deviation = sampled.standard_deviation[i];
    const double variance = j.standard_error_is_exact ? j.exact.variance[i] : deviation * deviation;
    const double rounding = 1e-13 * (j.expected[i] * j.expected[i] + 1e-6 * largest * largest);
    j.standard_error.push_back(std::sqrt(variance / count));
    const bool has_score = variance > rounding && variance >= least;
    j.z.push_back(has_score ? (sampled.mean[i] - j.expected[i]) / j.standard_error[i] : not_computed);
    if (least > 0.0 && !has_score) ++j.n_second_order;
    if (least > 0.0 || !j.standard_error_is_exact || variance > rounding || !(count > 0.0)) continue;
    ++j.n_constant;
    const double allowed = 10.0 * std::sqrt(rounding);
    j.constant_defect = std::max(j.constant_defect, std::abs(sampled.mean[i] - j.expected[i]) / allowed);
  }
}

void judge_sample(const JudgementOptions& options, Judgement& j) {
  const std::vector<double>& effective = j.sampled().effective_samples;
  const auto by_shape = [&](std::size_t i) { return effective[i] >= options.min_effective_samples; };
  for (std::size_t i = 0; i < j.z.size(); ++i) {
    if (std::isnan(j.z[i])) continue;
    if (by_shape(i)) ++j.n_judged;
    if (!by_shape(i) && j.standard_error_is_exact) ++j.n_by_chebyshev;
  }
  const double each = options.level / static_cast<double>(std::max<std::int64_t>(1, j.n_judged + j.n_by_chebyshev));
  const double quantile = two_sided_normal_quantile(each);
  j.z_limit = quantile;
  for (std::size_t i = 0; i < j.z.size(); ++i) {
    if (std::isnan(j.z[i]) || (!by_shape(i) && !j.standard_error_is_exact)) continue;
    const double limit =
        by_shape(i) ? quantile * std::sqrt(1.0 + quantile / (3.0 * std::sqrt(effective[i]))) : std::sqrt(1.0 / each);
    if (std::abs(j.z[i]) * j.z_limit < j.z_max * limit) continue;  // further from its limit
    j.z_max = std::abs(j.z[i]);
    j.z_limit = limit;
  }
}

std::string number(double x) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g", x);
  return text.data();
}

}  // namespace

double norm(std::span<const double> x) { return std::sqrt(std::inner_product(x.begin(), x.end(), x.begin(), 0.0)); }

double distance(std::span<const double> x, std::span<const double> y) {
  std::vector<double> difference(x.begin(), x.end());
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= y[i];
  return norm(difference);
}

std::string JudgementOptions::check() const {
  if (samples.empty()) return "samples is empty";
  for (const std::int64_t n : samples) {
    if (n < 1) return "samples = " + std::to_string(n) + ", required >= 1";
  }
  if (replications < 1) return "replications = " + std::to_string(replications) + ", required >= 1";
  if (!(level > 0.0 && level < 1.0)) return "level = " + std::to_string(level) + ", required 0 < level < 1";
  if (!(min_effective_samples >= 1.0)) {
    return "min_effective_samples = " + std::to_string(min_effective_samples) + ", required >= 1";
  }
  return "";
}

std::string Judgement::sample_text() const {
  std::vector<std::string> parts;
  if (n_judged + n_by_chebyshev > 0)
    parts.push_back("|z| " + number(z_max) + (z_max <= z_limit ? " within " : " beyond ") + number(z_limit));
  if (n_judged > 0) parts.push_back(std::to_string(n_judged) + " derivatives by their effective trajectories");
  if (n_by_chebyshev > 0) parts.push_back(std::to_string(n_by_chebyshev) + " by Chebyshev's inequality only");
  if (n_constant > 0) {
    parts.push_back(std::to_string(n_constant) +
                    (constant_defect <= 1.0 ? " constant and right" : " constant, not all right"));
  }
  if (n_second_order > 0) parts.push_back(std::to_string(n_second_order) + " of second order, not compared");
  if (!judged()) parts.emplace_back("too few trajectories shape the sample");
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text;
}

bool Judgement::bias_is_right() const { return std::isnan(bias_defect) || bias_defect <= bias_tolerance; }

std::string Judgement::bias_text() const {
  if (std::isnan(bias_defect)) return "no formula of the bias";
  return bias_is_right() ? "bias as predicted" : "bias not as predicted";
}

std::string_view Judgement::verdict() const {
  if (!consistent) return "inconsistent";
  return judged() ? "consistent" : "unjudged";
}

Judgement judge(const Problem& problem, const Targets& targets, const Estimator& estimator,
                const std::vector<double>& truth, const JudgementOptions& options) {
  if (const auto broken = options.check(); !broken.empty()) throw InvalidOption("judge: " + broken);
  const std::unique_ptr<Statistic> statistic = estimator.prepare(problem, targets);
  Judgement j;
  j.name = estimator.name;
  j.bias_source = estimator.bias_source;
  // The exact moments, the covariances, and every sample size are a piece each.
  const std::size_t n_pieces = options.samples.size() + 2;
  j.exact = statistic->exact(statistic->exact_products(true) <= options.max_products,
                             of_piece(options.observer, 0, n_pieces));
  j.interrupted = j.exact.mean.empty();
  if (j.interrupted) return j;
  if (options.covariance && statistic->covariance_products() <= options.max_products)
    j.exact.covariance = statistic->covariance(of_piece(options.observer, 1, n_pieces));
  judge_bias(problem, targets, estimator, truth, j);
  for (std::size_t k = 0; k < options.samples.size() && !j.interrupted; ++k) {
    const SamplingOptions sampling{.samples = options.samples[k],
                                   .replications = options.replications,
                                   .seed = options.seed,
                                   .recorded = options.recorded,
                                   .threads = options.threads,
                                   .observer = of_piece(options.observer, k + 2, n_pieces)};
    j.sizes.push_back({sampling.samples, sample(problem, *statistic, sampling, truth), not_computed});
    j.interrupted = j.sampled().interrupted;
  }
  finish(problem, truth, options, j);
  return j;
}

void finish(const Problem& problem, const std::vector<double>& truth, const JudgementOptions& options, Judgement& j) {
  if (!j.exact.variance.empty()) {
    j.exact_variance_trace = std::accumulate(j.exact.variance.begin(), j.exact.variance.end(), 0.0);
  }
  for (SampleSize& size : j.sizes) {
    const double bias = distance(mean_at(j.exact, size.samples), truth);
    size.exact_mean_squared_error = j.exact_variance_trace / static_cast<double>(size.samples) + bias * bias;
  }
  j.expected = mean_at(j.exact, j.sizes.back().samples);
  j.exact_bias_norm = distance(j.expected, truth);
  score_sample(problem, j);
  judge_sample(options, j);
  j.consistent = j.z_max <= j.z_limit && j.constant_defect <= 1.0 && j.bias_is_right();
  j.reason = j.sample_text() + "; " + j.bias_text();
}

}  // namespace mdp::estimators
