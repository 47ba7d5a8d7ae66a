#include "estimators/composed.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <iterator>
#include <optional>

#include <Eigen/Dense>

#include "estimators/plugged_in.hpp"
#include "estimators/running_moments.hpp"
#include "libmdp/error.hpp"

namespace mdp::estimators {
namespace {

using Matrix = PluggedMeans::Matrix;

constexpr std::int64_t n_parts = PluggedIn::n_parts;
constexpr double largest_noise = 0.1;  // up to which the delta method is taken at its word

/// The output of one form from H', M', g': S' flat, or the world gradient.
class Composer {
 public:
  Composer(const Sensitivity& s, std::int64_t samples) : s_(s), samples_(samples) {}

  [[nodiscard]] Eigen::VectorXd operator()(ComposedForm form, std::span<const PluggedMeans> parts) const {
    switch (form) {
      case ComposedForm::critic_exact:
      case ComposedForm::critic_lstd:
      case ComposedForm::plug_in: return output(mean(parts, -1), mean(parts, -1), 0.0);
      case ComposedForm::ridge: {
        const PluggedMeans all = mean(parts, -1);
        return output(all, all, all.hessian.squaredNorm() / static_cast<double>(samples_));
      }
      case ComposedForm::jackknife: return jackknife(parts);
      case ComposedForm::split: {
        PluggedMeans first = mean(parts.first(n_parts / 2), -1);
        first.gradient = mean(parts, -1).gradient;
        return output(first, mean(parts.subspan(n_parts / 2), -1), 0.0);
      }
    }
    return {};
  }

 private:
  /// Over all parts but one (-1: none).
  [[nodiscard]] static PluggedMeans mean(std::span<const PluggedMeans> parts, std::ptrdiff_t without) {
    PluggedMeans sum{Matrix::Zero(parts[0].hessian.rows(), parts[0].hessian.cols()),
                     Matrix::Zero(parts[0].mixed.rows(), parts[0].mixed.cols()),
                     Eigen::VectorXd::Zero(parts[0].gradient.size())};
    double count = 0.0;
    for (std::size_t k = 0; k < parts.size(); ++k) {
      if (static_cast<std::ptrdiff_t>(k) == without) continue;
      sum.hessian += parts[k].hessian;
      sum.mixed += parts[k].mixed;
      sum.gradient += parts[k].gradient;
      count += 1.0;
    }
    return {sum.hessian / count, sum.mixed / count, sum.gradient / count};
  }

  /// H and g of the first, M of the second argument; ridge = r^2.
  [[nodiscard]] Eigen::VectorXd output(const PluggedMeans& h, const PluggedMeans& m, double ridge) const {
    Matrix system = h.hessian;
    Matrix right = m.mixed;
    if (ridge > 0.0) {
      system = h.hessian.transpose() * h.hessian;
      system.diagonal().array() += ridge;
      right = h.hessian.transpose() * m.mixed;
    }
    const Matrix s = -system.partialPivLu().solve(right);
    if (s_.world() != nullptr) return s.transpose() * h.gradient;
    return Eigen::Map<const Eigen::VectorXd>(s.data(), s.size());
  }

  [[nodiscard]] Eigen::VectorXd jackknife(std::span<const PluggedMeans> parts) const {
    const PluggedMeans all = mean(parts, -1);
    Eigen::VectorXd result = static_cast<double>(n_parts) * output(all, all, 0.0);
    for (std::ptrdiff_t k = 0; k < n_parts; ++k) {
      const PluggedMeans rest = mean(parts, k);
      result -= static_cast<double>(n_parts - 1) / static_cast<double>(n_parts) * output(rest, rest, 0.0);
    }
    return result;
  }

  const Sensitivity& s_;
  std::int64_t samples_;
};

/// Running moments of the estimates of one form.
struct Collected {
  std::vector<RunningMoments> estimates;
  double squared_error = 0.0;

  void add(const Eigen::VectorXd& estimate, const std::vector<double>& truth) {
    estimates.resize(truth.size());
    for (std::size_t i = 0; i < truth.size(); ++i) {
      const double x = estimate(static_cast<Eigen::Index>(i));
      estimates[i].add(x);
      squared_error += (x - truth[i]) * (x - truth[i]);
    }
  }

  [[nodiscard]] Sampled sampled(std::int64_t samples, const PluggedIn& drawn, bool interrupted, double seconds) const {
    Sampled result;
    result.replications = estimates.empty() ? 0 : estimates[0].n;
    result.n_trajectories = result.replications * (samples / n_parts) * n_parts;
    result.transitions = drawn.transitions();
    result.interrupted = interrupted;
    result.seconds = seconds;
    if (result.replications > 0) result.mean_squared_error = squared_error / static_cast<double>(result.replications);
    for (const RunningMoments& moments : estimates) {
      const double deviation = moments.standard_deviation();
      result.mean.push_back(moments.mean);
      result.replicate_deviation.push_back(deviation);
      result.standard_deviation.push_back(deviation * std::sqrt(static_cast<double>(samples)));
      result.effective_samples.push_back(static_cast<double>(result.n_trajectories));
    }
    return result;
  }
};

/// Forms that plug the same estimates in.
struct Group {
  std::unique_ptr<const HessianSource> source;
  std::vector<ComposedForm> forms;
  std::vector<Judgement> judgements;
};

std::vector<Group> groups_of(const Sensitivity& s, std::span<const ComposedForm> forms) {
  const auto is_critic = [](ComposedForm f) {
    return f == ComposedForm::critic_exact || f == ComposedForm::critic_lstd;
  };
  std::vector<Group> groups;
  for (const ComposedForm form : forms) {
    const bool joins = !groups.empty() && !is_critic(form) && !is_critic(groups.back().forms.back());
    if (!joins) groups.push_back({hessian_source(s.model(), form), {}, {}});
    groups.back().forms.push_back(form);
    groups.back().judgements.emplace_back();
  }
  return groups;
}

/// Exact moments of all forms of a group, and of what they plug in where an estimate is not held against its own.
/// Returns false if interrupted.
bool compute_moments(const Sensitivity& s, Group& group, PluggedIn& drawn, const JudgementOptions& options) {
  const Sensitivity limit = limit_of(s, *group.source, group.forms[0]);
  DeltaMethod delta(limit, *group.source, options.max_products, of_piece(options.observer, 0, 2));
  const double noise = delta.relative_noise() / std::sqrt(static_cast<double>(options.samples.back()));
  bool some_by_plugged_in = false;
  for (std::size_t k = 0; k < group.forms.size(); ++k) {
    Judgement& j = group.judgements[k];
    j.name = composed_names()[static_cast<std::size_t>(group.forms[k])];
    j.bias_source = group.forms[k] == ComposedForm::critic_lstd ? BiasSource::critic : BiasSource::ratio;
    j.exact = delta.moments(group.forms[k]);
    j.expansion_parameter = noise;
    j.by_plugged_in = !(noise <= largest_noise) || j.exact.bias_times_n.empty() || j.exact.variance.empty();
    some_by_plugged_in |= j.by_plugged_in;
  }
  if (delta.stopped()) return false;
  return !some_by_plugged_in || drawn.compute_moments(options.max_products, of_piece(options.observer, 1, 2));
}

void sample_size(const Sensitivity& s, Group& group, PluggedIn& drawn, std::int64_t samples,
                 const JudgementOptions& options, const std::vector<double>& truth) {
  const auto start = std::chrono::steady_clock::now();
  const Composer compose(s, samples / n_parts * n_parts);
  std::vector<Collected> collected(group.forms.size());
  const bool finished = drawn.for_each(samples, options, [&](std::span<const PluggedMeans> of_estimate) {
    for (std::size_t k = 0; k < collected.size(); ++k) collected[k].add(compose(group.forms[k], of_estimate), truth);
  });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (std::size_t k = 0; k < collected.size(); ++k) {
    collected[k].estimates.resize(truth.size());
    Judgement& j = group.judgements[k];
    j.sizes.push_back({samples, collected[k].sampled(samples, drawn, !finished, seconds), not_computed});
    j.interrupted = !finished;
  }
}

/// All sample sizes.
void sample_group(const Sensitivity& s, Group& group, PluggedIn& drawn, const JudgementOptions& options,
                  const std::vector<double>& truth) {
  JudgementOptions of_size = options;
  for (std::size_t k = 0; k < options.samples.size() && !group.judgements[0].interrupted; ++k) {
    of_size.observer = of_piece(options.observer, k, options.samples.size());
    sample_size(s, group, drawn, options.samples[k], of_size, truth);
  }
}

/// The bias that the critics' errors have in the limit: S of H + its bias and M + its bias, less the truth.
void judge_limit(const Sensitivity& s, const HessianSource& source, const std::vector<double>& truth, Judgement& j) {
  std::vector<double> hessian = source.bias({s.free(), s.free(), false});
  std::vector<double> mixed = source.bias({s.free(), s.theta(), false});
  if (hessian.empty()) return;
  std::ranges::transform(hessian, s.hessian(), hessian.begin(), std::plus{});
  std::ranges::transform(mixed, s.mixed(), mixed.begin(), std::plus{});
  const Sensitivity predicted = s.with_hessians(std::move(hessian), std::move(mixed));
  const std::vector<double>& limit = s.world() != nullptr ? predicted.total() : predicted.policy_derivative();
  j.predicted_bias_norm = distance(limit, truth);
  j.bias_defect = distance(limit, j.exact.mean);
  // Rounding errors of E H' are seen through its inverse.
  const double condition = norm(predicted.hessian()) * norm(predicted.inverse());
  j.bias_tolerance = 1e-11 * (1.0 + condition) * (norm(truth) + norm(limit));
}

/// The verdict from the means that were plugged in.
void judge_by_plugged_in(const Judgement& means, const std::string& why, Judgement& j) {
  j.z_max = means.z_max;
  j.z_limit = means.z_limit;
  j.n_judged = means.n_judged;
  j.n_by_chebyshev = means.n_by_chebyshev;
  j.n_constant = means.n_constant;
  j.constant_defect = means.constant_defect;
  j.n_second_order = 0;
  j.consistent = means.consistent && j.bias_is_right();
  j.reason = why + "; of the means plugged in: " + means.sample_text() + "; " + j.bias_text();
}

std::string why_not_itself(const Judgement& j) {
  if (j.expansion_parameter > largest_noise)
    return "relative noise " + std::to_string(j.expansion_parameter) + " of the Hessian above 0.1: no limit law";
  if (j.exact.variance.empty() || j.exact.bias_times_n.empty() || std::isnan(j.expansion_parameter))
    return "the exact moments of the ratio take too many products";
  return "the ratio's moments are of second order";
}

void judge_group(const Sensitivity& s, Group& group, PluggedIn& drawn, const std::vector<double>& truth,
                 const JudgementOptions& options) {
  std::optional<Judgement> means;
  for (Judgement& j : group.judgements) {
    judge_limit(s, *group.source, truth, j);
    finish(s.model(), truth, options, j);
    if (!j.by_plugged_in && j.judged()) continue;
    if (!drawn.compute_moments(options.max_products, options.observer)) continue;
    if (!means) means = drawn.judged(options);
    j.by_plugged_in = true;
    judge_by_plugged_in(*means, why_not_itself(j), j);
  }
}

}  // namespace

const std::vector<std::string>& composed_names() {
  static const std::vector<std::string> names = {"plug-in",
                                                 "plug-in-ridge",
                                                 "plug-in-jackknife",
                                                 "plug-in-split",
                                                 "critic-sensitivity-exact",
                                                 "critic-sensitivity-lstd"};
  return names;
}

std::vector<Judgement> judge_composed(const Sensitivity& s, std::span<const ComposedForm> forms,
                                      const JudgementOptions& options) {
  if (const auto broken = options.check(); !broken.empty()) throw InvalidOption("judge_composed: " + broken);
  for (const std::int64_t n : options.samples) {
    if (n < 2 * n_parts) {
      throw InvalidOption("judge_composed: samples = " + std::to_string(n) + ", required >= 20: ten parts of two");
    }
  }
  const std::vector<double>& truth = s.world() != nullptr ? s.total() : s.policy_derivative();
  std::vector<Group> groups = groups_of(s, forms);
  std::vector<Judgement> judgements;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    Group& group = groups[g];
    JudgementOptions mine = options;
    PluggedIn drawn(s, *group.source);
    mine.observer = of_piece(options.observer, 2 * g, 2 * groups.size());
    if (!compute_moments(s, group, drawn, mine)) break;
    mine.observer = of_piece(options.observer, 2 * g + 1, 2 * groups.size());
    sample_group(s, group, drawn, mine, truth);
    judge_group(s, group, drawn, truth, options);
    std::ranges::move(group.judgements, std::back_inserter(judgements));
    if (judgements.back().interrupted) break;
  }
  return judgements;
}

}  // namespace mdp::estimators
