#include "estimators/composed.hpp"

#include <chrono>
#include <cmath>
#include <numeric>

#include <Eigen/Dense>

#include "estimators/methods/causal.hpp"
#include "estimators/methods/hessians.hpp"
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
  Parts(const Sensitivity& s, std::int64_t samples, const JudgementOptions& options)
      : s_(s),
        hessians_(s.model(), {s.free(), columns(s), false}),
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
    return for_each_group(s_.model(), hessians_, options_, [&](const Tally& tally) {
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
  RecursionStatistic<CausalHessian> hessians_;
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

void sample_size(const Sensitivity& s, std::span<const ComposedForm> forms, std::int64_t samples,
                 const JudgementOptions& options, const std::vector<double>& truth,
                 std::vector<Judgement>& judgements) {
  const auto start = std::chrono::steady_clock::now();
  const Composer compose(s, samples / n_parts * n_parts);
  Parts parts(s, samples, options);
  std::vector<Collected> collected(forms.size());
  const bool finished = parts.for_each([&](std::span<const Means> of_estimate) {
    for (std::size_t k = 0; k < forms.size(); ++k) collected[k].add(compose(forms[k], of_estimate), truth);
  });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (std::size_t k = 0; k < forms.size(); ++k) {
    collected[k].estimates.resize(truth.size());
    judgements[k].sizes.push_back({samples, collected[k].sampled(samples, parts, !finished, seconds), not_computed});
    judgements[k].interrupted = !finished;
  }
}

}  // namespace

const std::vector<std::string>& composed_names() {
  static const std::vector<std::string> names = {"plug-in", "plug-in-ridge", "plug-in-jackknife", "plug-in-split"};
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
  std::vector<Judgement> judgements(forms.size());
  for (const std::int64_t n : options.samples) {
    sample_size(s, forms, n, options, truth, judgements);
    if (judgements[0].interrupted) break;
  }
  const double noise = relative_noise(s);
  for (std::size_t k = 0; k < forms.size(); ++k) {
    Judgement& j = judgements[k];
    j.name = composed_names()[static_cast<std::size_t>(forms[k])];
    j.bias_source = BiasSource::ratio;
    j.exact = delta_moments(s, forms[k], options.max_products);
    finish(s.model(), truth, options, j);
    const double per_root_n = noise / std::sqrt(static_cast<double>(j.sizes.back().samples));
    j.expansion_parameter = per_root_n;
    if (per_root_n <= largest_noise && !j.exact.bias_times_n.empty() && !j.exact.variance.empty()) continue;
    j.n_judged = 0;  // the delta method says nothing here
    j.z_max = 0.0;
    j.consistent = j.sampled().replications > 0;
  }
  return judgements;
}

}  // namespace mdp::estimators
