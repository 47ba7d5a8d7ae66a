#include "estimators/gradient_report.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/error.hpp"
#include "solvers/in_real_gradient.hpp"

namespace mdp::estimators {
namespace {

std::vector<Offset> rows_with_a_choice(const Mdp& mdp) {
  std::vector<Offset> rows;
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (mdp.n_actions(s) < 2) continue;
    for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) rows.push_back(row);
  }
  return rows;
}

/// The rows to report, ascending. \param gradient  [n_rows] the truth, or empty
std::vector<Offset> choose_rows(const Mdp& mdp, const GradientReportOptions& options,
                                std::span<const double> gradient) {
  if (!options.rows.empty()) return options.rows;
  const double products = static_cast<double>(options.simulation.horizon) * static_cast<double>(mdp.n_transitions());
  const double affordable = std::max(1.0, options.max_products / products);
  const auto limit = static_cast<std::size_t>(std::min(static_cast<double>(options.max_parameters), affordable));
  std::vector<Offset> rows = rows_with_a_choice(mdp);
  if (rows.size() <= limit) return rows;
  if (!gradient.empty()) {
    std::stable_sort(rows.begin(), rows.end(),
                     [&](Offset a, Offset b) { return std::abs(gradient[at(a)]) > std::abs(gradient[at(b)]); });
  }
  rows.resize(limit);
  std::sort(rows.begin(), rows.end());
  return rows;
}

/// NaN where the variance is not above the rounding errors of its recursion.
double z_score(double sampled, double exact, double variance, double rounding_level, std::int64_t n) {
  if (!(variance > rounding_level)) return not_computed;
  return (sampled - exact) / std::sqrt(variance / static_cast<double>(n));
}

void compare(const Mdp& mdp, const GradientReportOptions& options, GradientReport& report) {
  const std::int64_t n = report.sampled.n_trajectories;
  const double rounding_level = 1e-12 * (report.exact.return_variance + std::pow(report.exact.return_mean, 2.0));
  for (std::size_t i = 0; i < report.rows.size(); ++i) {
    const Offset row = report.rows[i];
    report.z.push_back(
        z_score(report.sampled.mean[at(row)], report.exact.mean[i], report.exact.variance[i], rounding_level, n));
    report.bias.push_back(report.exact.mean[i] - report.truth[i]);
    const bool judged = report.sampled.n_visiting[at(mdp.state_of(row))] >= options.min_visiting;
    if (!judged || std::isnan(report.z[i])) continue;
    ++report.n_judged;
    report.max_abs_z = std::max(report.max_abs_z, std::abs(report.z[i]));
  }
  report.return_z =
      z_score(report.sampled.return_mean, report.exact.return_mean, report.exact.return_variance, rounding_level, n);
  report.return_bias = report.exact.return_mean - report.return_truth;
  report.z_threshold =
      two_sided_normal_quantile(options.level / static_cast<double>(std::max<std::int64_t>(1, report.n_judged)));
  report.consistent = report.max_abs_z <= report.z_threshold;
}

}  // namespace

std::string GradientReportOptions::check() const {
  if (auto broken = simulation.check(); !broken.empty()) return broken;
  if (max_parameters < 1) return "max_parameters = " + std::to_string(max_parameters) + ", required >= 1";
  if (!(max_products >= 1.0)) return "max_products = " + std::to_string(max_products) + ", required >= 1";
  if (!(level > 0.0 && level < 1.0)) return "level = " + std::to_string(level) + ", required 0 < level < 1";
  if (min_visiting < 1) return "min_visiting = " + std::to_string(min_visiting) + ", required >= 1";
  return "";
}

double two_sided_normal_quantile(double level) {
  double low = 0.0;
  double high = 40.0;  // P(|Z| > 40) underflows
  while (high - low > 0x1p-50 * high) {
    const double middle = 0.5 * (low + high);
    (std::erfc(middle / std::sqrt(2.0)) > level ? low : high) = middle;
  }
  return high;
}

GradientReport gradient_report(const Mdp& mdp, std::span<const double> stochastic_policy,
                               const GradientReportOptions& options) {
  if (const auto broken = options.check(); !broken.empty()) throw InvalidOption("gradient_report: " + broken);
  GradientReport report;
  report.sampled = score_gradient(mdp, stochastic_policy, options.simulation, options.baseline);

  solvers::PolicyGradient truth;
  const bool discounted = mdp.exact_discount().complement.hi > 0.0;
  if (discounted) truth = solvers::policy_gradient(mdp, stochastic_policy, 0.0, options.simulation.threads);
  report.rows = choose_rows(mdp, options, truth.logit_gradient);
  report.exact = score_gradient_moments(
      mdp, stochastic_policy, logit_axes(report.rows),
      {.horizon = options.simulation.horizon, .baseline = options.baseline, .threads = options.simulation.threads});
  for (const Offset row : report.rows) {
    report.truth.push_back(discounted ? truth.logit_gradient[at(row)] : not_computed);
  }
  report.truth_error_bound = truth.logit_gradient_error_bound;
  report.return_truth = truth.performance;
  compare(mdp, options, report);
  return report;
}

}  // namespace mdp::estimators
