#include "estimators/plugged_in.hpp"

#include <utility>

#include "estimators/methods/causal.hpp"
#include "estimators/recursion.hpp"

namespace mdp::estimators {
namespace {

constexpr std::uint64_t world_index = std::uint64_t{1} << 61;

std::vector<Parameter> columns(const Sensitivity& s) {
  std::vector<Parameter> columns = s.free();
  columns.insert(columns.end(), s.theta().begin(), s.theta().end());
  return columns;
}

/// The pooled means of a tally against exact moments.
Judgement judge_means(const Problem& problem, const ExactMoments& exact, const Tally& tally,
                      const JudgementOptions& options) {
  Judgement j;
  j.exact = exact;
  j.sizes.push_back({tally.n_trajectories, pooled(tally), not_computed});
  finish(problem, exact.mean, options, j);
  return j;
}

}  // namespace

PluggedIn::PluggedIn(const Sensitivity& s, const HessianSource& source)
    : s_(s), second_statistic_(source.statistic({s.free(), columns(s), false})) {
  if (s.world() != nullptr)
    gradient_statistic_ = std::make_unique<RecursionStatistic<Causal>>(*s.world(), Targets{s.free(), {}, false});
}

bool PluggedIn::compute_moments(double max_products, const Observer& observer) {
  const auto moments = [&](const Statistic& statistic, std::size_t k) {
    return statistic.exact(statistic.exact_products(true) <= max_products, of_piece(observer, k, 2));
  };
  if (!exact_second_.mean.empty()) return true;
  exact_second_ = moments(*second_statistic_, 0);
  if (exact_second_.mean.empty() || gradient_statistic_ == nullptr) return !exact_second_.mean.empty();
  exact_gradient_ = moments(*gradient_statistic_, 1);
  if (exact_gradient_.mean.empty()) exact_second_ = {};
  return !exact_second_.mean.empty();
}

bool PluggedIn::for_each(std::int64_t samples, const JudgementOptions& options,
                         const std::function<void(std::span<const PluggedMeans>)>& f) {
  SamplingOptions sampling{.samples = samples / n_parts,
                           .replications = options.replications * n_parts,
                           .seed = options.seed,
                           .threads = options.threads,
                           .observer = options.observer};
  second_ = Tally(second_statistic_->n_tallied());
  if (gradient_statistic_ != nullptr) {
    sampling.observer = of_piece(options.observer, 0, 2);
    if (!draw_world(sampling)) return false;
    sampling.observer = of_piece(options.observer, 1, 2);
  }
  std::vector<PluggedMeans> parts;
  std::size_t next_world = 0;
  return for_each_group(s_.model(), *second_statistic_, sampling, [&](const Tally& part) {
    second_.merge(part);
    parts.push_back(means(part));
    if (!world_.empty()) parts.back().gradient = world_[next_world++];
    if (parts.size() < static_cast<std::size_t>(n_parts)) return;
    f(std::span<const PluggedMeans>(parts));
    parts.clear();
  });
}

bool PluggedIn::draw_world(SamplingOptions options) {
  options.first_index = world_index;
  world_.clear();
  gradients_ = Tally(gradient_statistic_->n_tallied());
  return for_each_group(*s_.world(), *gradient_statistic_, options, [&](const Tally& part) {
    gradients_.merge(part);
    const Eigen::Map<const Eigen::VectorXd> sum(part.sum.data(), static_cast<Eigen::Index>(part.sum.size()));
    world_.emplace_back(sum / static_cast<double>(part.n_trajectories));
  });
}

PluggedMeans PluggedIn::means(const Tally& part) const {
  const auto f = static_cast<Eigen::Index>(s_.n_free());
  const auto p = static_cast<Eigen::Index>(s_.n_theta());
  const Eigen::Map<const PluggedMeans::Matrix> sums(part.sum.data(), f, f + p);
  const auto n = static_cast<double>(part.n_trajectories);
  return {sums.leftCols(f) / n, sums.rightCols(p) / n, Eigen::VectorXd::Zero(f)};
}

Judgement PluggedIn::judged(JudgementOptions options) const {
  if (gradient_statistic_ == nullptr) return judge_means(s_.model(), exact_second_, second_, options);
  options.level /= 2.0;
  Judgement second = judge_means(s_.model(), exact_second_, second_, options);
  Judgement gradient = judge_means(*s_.world(), exact_gradient_, gradients_, options);
  Judgement& nearer = gradient.z_max * second.z_limit > second.z_max * gradient.z_limit ? gradient : second;
  nearer.consistent = second.consistent && gradient.consistent;
  nearer.n_judged = second.n_judged + gradient.n_judged;
  nearer.n_by_chebyshev = second.n_by_chebyshev + gradient.n_by_chebyshev;
  nearer.n_constant = second.n_constant + gradient.n_constant;
  return std::move(nearer);
}

}  // namespace mdp::estimators
