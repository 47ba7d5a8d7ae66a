#include "estimators/composed.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include <Eigen/Dense>

#include "estimators/methods/causal.hpp"
#include "estimators/recursion.hpp"
#include "estimators/running_moments.hpp"
#include "libmdp/error.hpp"

namespace mdp::estimators {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::int64_t n_parts = 10;  // into which the trajectories of an estimate are cut
constexpr std::uint64_t world_index = std::uint64_t{1} << 61;
constexpr double largest_noise = 0.1;  // up to which the delta method is taken at its word

/// Means over some trajectories: [f * (f + p)] Hessians and [f] gradients of the world.
struct Means {
  Matrix hessian, mixed;
  Eigen::VectorXd gradient;
};

/// The output of one form from H', M', g': S' flat, or the world gradient.
class Composer {
 public:
  Composer(const Sensitivity& s, std::int64_t samples) : s_(s), samples_(samples) {}

  [[nodiscard]] Eigen::VectorXd operator()(ComposedForm form, std::span<const Means> parts) const {
    switch (form) {
      case ComposedForm::critic_exact:
      case ComposedForm::critic_lstd:
      case ComposedForm::plug_in: return output(mean(parts, -1), mean(parts, -1), 0.0);
      case ComposedForm::ridge: {
        const Means all = mean(parts, -1);
        return output(all, all, all.hessian.squaredNorm() / static_cast<double>(samples_));
      }
      case ComposedForm::jackknife: return jackknife(parts);
      case ComposedForm::split: {
        Means first = mean(parts.first(n_parts / 2), -1);
        first.gradient = mean(parts, -1).gradient;
        return output(first, mean(parts.subspan(n_parts / 2), -1), 0.0);
      }
    }
    return {};
  }

 private:
  /// Over all parts but one (-1: none).
  [[nodiscard]] static Means mean(std::span<const Means> parts, std::ptrdiff_t without) {
    Means sum{Matrix::Zero(parts[0].hessian.rows(), parts[0].hessian.cols()),
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
  [[nodiscard]] Eigen::VectorXd output(const Means& h, const Means& m, double ridge) const {
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

  [[nodiscard]] Eigen::VectorXd jackknife(std::span<const Means> parts) const {
    const Means all = mean(parts, -1);
    Eigen::VectorXd result = static_cast<double>(n_parts) * output(all, all, 0.0);
    for (std::ptrdiff_t k = 0; k < n_parts; ++k) {
      const Means rest = mean(parts, k);
      result -= static_cast<double>(n_parts - 1) / static_cast<double>(n_parts) * output(rest, rest, 0.0);
    }
    return result;
  }

  const Sensitivity& s_;
  std::int64_t samples_;
};

/// The sampled parts of all estimates of a size, estimate by estimate.
class Parts {
 public:
  Parts(const Sensitivity& s, const HessianSource& source, std::int64_t samples, const JudgementOptions& options)
      : s_(s),
        hessians_(source.statistic({s.free(), columns(s), false})),
        options_{.samples = samples / n_parts,
                 .replications = options.replications * n_parts,
                 .seed = options.seed,
                 .threads = options.threads,
                 .observer = options.observer} {}

  /// f(parts of one estimate). Returns false if interrupted.
  template <class F>
  bool for_each(const F& f) {
    draw_world();
    std::vector<Means> parts;
    std::size_t next_world = 0;
    return for_each_group(s_.model(), *hessians_, options_, [&](const Tally& tally) {
      transitions += tally.transitions;
      parts.push_back(means(tally));
      if (!world_.empty()) parts.back().gradient = world_[next_world++];
      if (parts.size() < static_cast<std::size_t>(n_parts)) return;
      f(std::span<const Means>(parts));
      parts.clear();
    });
  }

  std::int64_t transitions = 0;

 private:
  static std::vector<Parameter> columns(const Sensitivity& s) {
    std::vector<Parameter> columns = s.free();
    columns.insert(columns.end(), s.theta().begin(), s.theta().end());
    return columns;
  }

  void draw_world() {
    if (s_.world() == nullptr) return;
    SamplingOptions options = options_;
    options.first_index = world_index;
    options.observer = {};
    const RecursionStatistic<Causal> gradients(*s_.world(), {s_.free(), {}, false});
    for_each_group(*s_.world(), gradients, options, [&](const Tally& tally) {
      transitions += tally.transitions;
      Eigen::VectorXd g(static_cast<Eigen::Index>(s_.n_free()));
      for (std::size_t i = 0; i < s_.n_free(); ++i)
        g(static_cast<Eigen::Index>(i)) = tally.sum[i] / static_cast<double>(tally.n_trajectories);
      world_.push_back(std::move(g));
    });
  }

  [[nodiscard]] Means means(const Tally& tally) const {
    const auto f = static_cast<Eigen::Index>(s_.n_free());
    const auto p = static_cast<Eigen::Index>(s_.n_theta());
    const Eigen::Map<const Matrix> sums(tally.sum.data(), f, f + p);
    const auto n = static_cast<double>(tally.n_trajectories);
    return {sums.leftCols(f) / n, sums.rightCols(p) / n, Eigen::VectorXd::Zero(f)};
  }

  const Sensitivity& s_;
  std::unique_ptr<Statistic> hessians_;
  SamplingOptions options_;
  std::vector<Eigen::VectorXd> world_;
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

  [[nodiscard]] Sampled sampled(std::int64_t samples, const Parts& parts, bool interrupted, double seconds) const {
    Sampled result;
    result.replications = estimates.empty() ? 0 : estimates[0].n;
    result.n_trajectories = result.replications * (samples / n_parts) * n_parts;
    result.transitions = parts.transitions;
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

void sample_size(const Sensitivity& s, Group& group, std::int64_t samples, const JudgementOptions& options,
                 const std::vector<double>& truth) {
  const auto start = std::chrono::steady_clock::now();
  const Composer compose(s, samples / n_parts * n_parts);
  Parts parts(s, *group.source, samples, options);
  std::vector<Collected> collected(group.forms.size());
  const bool finished = parts.for_each([&](std::span<const Means> of_estimate) {
    for (std::size_t k = 0; k < collected.size(); ++k) collected[k].add(compose(group.forms[k], of_estimate), truth);
  });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (std::size_t k = 0; k < collected.size(); ++k) {
    collected[k].estimates.resize(truth.size());
    Judgement& j = group.judgements[k];
    j.sizes.push_back({samples, collected[k].sampled(samples, parts, !finished, seconds), not_computed});
    j.interrupted = !finished;
  }
}

/// All sample sizes. The observer sees the fraction of this group.
void sample_group(const Sensitivity& s, Group& group, const JudgementOptions& options,
                  const std::vector<double>& truth) {
  JudgementOptions of_size = options;
  const auto n_sizes = static_cast<double>(options.samples.size());
  for (std::size_t k = 0; k < options.samples.size(); ++k) {
    if (options.observer) {
      of_size.observer = [&](double f) { return options.observer((static_cast<double>(k) + f) / n_sizes); };
    }
    sample_size(s, group, options.samples[k], of_size, truth);
    if (group.judgements[0].interrupted) return;
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

void judge_form(const Sensitivity& s, const HessianSource& source, ComposedForm form, double noise,
                const std::vector<double>& truth, const JudgementOptions& options, Judgement& j) {
  j.name = composed_names()[static_cast<std::size_t>(form)];
  j.bias_source = form == ComposedForm::critic_lstd ? BiasSource::critic : BiasSource::ratio;
  j.exact = delta_moments(s, form, options.max_products);
  judge_limit(s, source, truth, j);
  const double per_root_n = noise / std::sqrt(static_cast<double>(j.sizes.back().samples));
  j.expansion_parameter = per_root_n;
  finish(s.model(), truth, options, j);
  if (per_root_n <= largest_noise && !j.exact.bias_times_n.empty() && !j.exact.variance.empty()) return;
  j.n_judged = j.n_by_chebyshev = j.n_constant = j.n_second_order =
      0;  // the delta method says nothing about this sample
  j.z_max = 0.0;
  j.consistent = std::isnan(j.bias_defect) || j.bias_defect <= j.bias_tolerance;
  j.reason = per_root_n <= largest_noise
                 ? "the exact moments take too many products"
                 : "relative noise " + std::to_string(per_root_n) + " of the Hessian above 0.1: take more trajectories";
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
    if (options.observer) {
      mine.observer = [&](double fraction) {
        return options.observer((static_cast<double>(g) + fraction) / static_cast<double>(groups.size()));
      };
    }
    sample_group(s, group, mine, truth);
    const double noise = relative_noise(limit_of(s, *group.source, group.forms[0]), *group.source);
    for (std::size_t k = 0; k < group.forms.size(); ++k) {
      judge_form(s, *group.source, group.forms[k], noise, truth, options, group.judgements[k]);
      judgements.push_back(std::move(group.judgements[k]));
    }
    if (judgements.back().interrupted) break;
  }
  return judgements;
}

}  // namespace mdp::estimators
