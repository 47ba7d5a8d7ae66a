// estimators/recursion.hpp — rules at work on a problem: estimates along paths, exact means, variances, covariances.
#pragma once

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include "estimators/moment_recursion.hpp"
#include "estimators/rule.hpp"
#include "estimators/touched_targets.hpp"
#include "libmdp/kernels/parallel_tasks.hpp"

namespace mdp::estimators {

/// \throws InvalidArgument if that many derivatives of a critic are more than 2.5e8 numbers
void require_affordable(const ValueDerivatives& one, std::size_t n);

/// A rule at work on a problem.
template <class Rule>
class RecursionStatistic : public Statistic {
 public:
  RecursionStatistic(const Problem& problem, const Targets& targets)
      : problem_(problem),
        targets_(targets),
        differentiated_(differentiated_critic_of<Rule>(problem)),
        critic_(critic_of<Rule>(problem, differentiated_.get())),
        constants_(constants_of<Rule>(problem, targets)),
        rows_(problem, targets.rows),
        columns_(problem, targets.columns) {
    if (differentiated_ == nullptr) return;
    targets_.symmetric = false;
    for (const Parameter& p : targets.columns) {
      derivatives_.push_back(differentiated_->along(axis(problem.mdp(), p)));
      require_affordable(derivatives_.back(), targets.columns.size());
    }
  }

  [[nodiscard]] std::size_t n_tallied() const override { return targets_.size(); }
  [[nodiscard]] std::unique_ptr<Scratch> scratch() const override {
    return std::make_unique<PathScratch>(problem_.mdp());
  }
  [[nodiscard]] const StochasticPolicy& drawn_by() const override {
    return is_off_policy<Rule>() ? problem_.behaviour() : problem_.policy();
  }

  void add(const SampledPath& path, Scratch& scratch, Tally& tally) const override {
    auto& mine = static_cast<PathScratch&>(scratch);
    fill_common_steps(path, mine.steps);
    rows_.touched_by(path, mine, mine.first);
    if (targets_.columns.empty()) {
      for (const std::size_t i : mine.first) {
        fill_scores(i, path, mine.steps);
        tally.add(i, value(mine.steps));
      }
      return;
    }
    columns_that_count(path, mine);
    for (const std::size_t i : mine.first) {
      fill_scores(i, path, mine.steps);
      for (const std::size_t j : mine.second) {
        if (targets_.symmetric && j < i) continue;
        fill_second_scores(i, j, path, mine.steps);
        const double x = value(mine.steps);
        tally.add(i * targets_.columns.size() + j, x);
        if (targets_.symmetric && j > i) tally.add(j * targets_.columns.size() + i, x);
      }
    }
  }

  [[nodiscard]] double exact_products(bool variance) const override {
    const auto d = static_cast<double>(Rule::size);
    return static_cast<double>(targets_.size()) * (targets_.symmetric ? 0.5 : 1.0) *
           static_cast<double>(problem_.horizon()) * static_cast<double>(problem_.mdp().n_transitions()) *
           (variance ? 4.0 * d * d : 2.0 * d);
  }

  [[nodiscard]] ExactMoments exact(bool variance, const Observer& observer = {}) const override {
    ExactMoments result;
    if constexpr (requires { Rule::meaning; }) result.meaning = Rule::meaning;
    result.mean.assign(targets_.size(), 0.0);
    if (variance) result.variance.assign(targets_.size(), 0.0);
    const std::size_t n_columns = std::max<std::size_t>(1, targets_.columns.size());
    const bool done = kernels::parallel_tasks(static_cast<std::ptrdiff_t>(targets_.size()), problem_.options().threads,
                                              observer, [&](std::ptrdiff_t task) {
                                                const auto k = static_cast<std::size_t>(task);
                                                if (!targets_.symmetric || k % n_columns >= k / n_columns)
                                                  fill(k, n_columns, result);
                                              });
    return done ? result : ExactMoments{};
  }

  [[nodiscard]] double covariance_products() const override {
    const auto d = static_cast<double>(Rule::size);
    return 2.0 * d * d * static_cast<double>(targets_.size()) * static_cast<double>(targets_.size()) *
           static_cast<double>(problem_.horizon()) * static_cast<double>(problem_.mdp().n_transitions());
  }

  [[nodiscard]] std::vector<double> covariance(const Observer& observer = {}) const override {
    const std::size_t n = targets_.size();
    const std::size_t n_columns = std::max<std::size_t>(1, targets_.columns.size());
    std::vector<double> result(n * n);
    const auto fill_one = [&](std::ptrdiff_t b) {
      const std::size_t k = static_cast<std::size_t>(b) / n;
      const std::size_t l = static_cast<std::size_t>(b) % n;
      if (l > k) return;
      const Direction u[] = {axis(problem_.mdp(), targets_.rows[k / n_columns]), second_direction(k % n_columns),
                             axis(problem_.mdp(), targets_.rows[l / n_columns]), second_direction(l % n_columns)};
      result[k * n + l] = result[l * n + k] =
          estimators::covariance<Rule>(problem_, critic_, estimate_of(k / n_columns, k % n_columns, u[0], u[1]),
                                       estimate_of(l / n_columns, l % n_columns, u[2], u[3]));
    };
    const bool done =
        kernels::parallel_tasks(static_cast<std::ptrdiff_t>(n * n), problem_.options().threads, observer, fill_one);
    return done ? result : std::vector<double>{};
  }

 protected:
  /// The estimate of a trajectory from its steps, last entry of x_0.
  [[nodiscard]] virtual double value(std::span<const Step> steps) const { return record<Rule>(steps).back(); }

 private:
  void fill_scores(std::size_t i, const SampledPath& path, std::vector<Step>& steps) const {
    for (std::size_t t = 0; t < steps.size(); ++t) {
      steps[t].constant = constants_[i];
      steps[t].i = rows_.scores(i, path, t);
    }
  }

  void fill_second_scores(std::size_t i, std::size_t j, const SampledPath& path, std::vector<Step>& steps) const {
    for (std::size_t t = 0; t < steps.size(); ++t) {
      steps[t].j = columns_.scores(j, path, t);
      steps[t].ij = rows_.curvature(i, columns_, j, path, t);
      if (derivatives_.empty()) continue;
      steps[t].d_q = derivatives_[j].q_of(static_cast<std::int64_t>(t), path.row[t]);
      steps[t].d_value = derivatives_[j].value_of(static_cast<std::int64_t>(t), path.state[t]);
    }
  }

  /// Those that the path touches; a critic has derivatives by all of them.
  void columns_that_count(const SampledPath& path, PathScratch& mine) const {
    if (derivatives_.empty()) {
      columns_.touched_by(path, mine, mine.second);
      return;
    }
    mine.second.resize(targets_.columns.size());
    std::iota(mine.second.begin(), mine.second.end(), std::size_t{0});
  }

  [[nodiscard]] Direction second_direction(std::size_t j) const {
    return targets_.columns.empty() ? Direction{} : axis(problem_.mdp(), targets_.columns[j]);
  }
  [[nodiscard]] EstimateOf estimate_of(std::size_t i, std::size_t j, const Direction& first,
                                       const Direction& second) const {
    return {first, targets_.columns.empty() ? nullptr : &second, constants_[i],
            derivatives_.empty() ? nullptr : &derivatives_[j]};
  }

  void fill(std::size_t k, std::size_t n_columns, ExactMoments& result) const {
    const std::size_t i = k / n_columns;
    const std::size_t j = k % n_columns;
    const Direction first = axis(problem_.mdp(), targets_.rows[i]);
    const Direction second = second_direction(j);
    const MomentRecursion<Rule> recursion(problem_, critic_, estimate_of(i, j, first, second));
    if (result.variance.empty()) {
      result.mean[k] = recursion.mean(1).back();
    } else {
      const auto m = recursion.second_moments(1);
      result.mean[k] = m[Rule::size - 1];
      result.variance[k] = std::max(0.0, m.back() - result.mean[k] * result.mean[k]);
    }
    if (!targets_.symmetric) return;
    result.mean[j * n_columns + i] = result.mean[k];
    if (!result.variance.empty()) result.variance[j * n_columns + i] = result.variance[k];
  }

  void fill_common_steps(const SampledPath& path, std::vector<Step>& steps) const {
    const std::size_t n = path.row.size();
    steps.resize(n);
    for (std::size_t t = 0; t < n; ++t) {
      steps[t] = common_step(problem_, critic_, is_off_policy<Rule>(), static_cast<std::int64_t>(t), path.state[t],
                             path.row[t], t + 1 < n ? path.entry[t] : Offset{-1});
    }
  }

  const Problem& problem_;
  Targets targets_;
  std::unique_ptr<const DifferentiatedCritic> differentiated_;
  std::vector<ValueDerivatives> derivatives_;  // one per column, or none
  Critic critic_;
  std::vector<double> constants_;
  TargetScores rows_, columns_;
};

/// The entry of the table for a rule.
template <class Rule>
[[nodiscard]] Estimator recursion_estimator(const std::string& name, const std::vector<Quantity>& quantities,
                                            BiasSource source = BiasSource::none) {
  return {name, quantities, source, [](const Problem& problem, const Targets& targets) {
            return std::unique_ptr<Statistic>(std::make_unique<RecursionStatistic<Rule>>(problem, targets));
          }};
}

}  // namespace mdp::estimators
