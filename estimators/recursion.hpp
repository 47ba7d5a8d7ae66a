// estimators/recursion.hpp — one definition of an estimator, three uses: along a path, its mean, its second moments.
//
// A rule is a struct with
//     static constexpr std::size_t size;                    numbers of its record x
//     static void step(const Step& step, double* x);        x_{t+1} -> x_t, linear in x, x[0] = 1 kept
// and, where it needs them,
//     static void start(double* x);                         x_N in place of (1, 0, …, 0)
//     static constexpr bool off_policy = true;              trajectories are drawn by Problem::behaviour()
//     static Critic critic(const Problem&);                 in place of the exact one
//     static std::unique_ptr<const DifferentiatedCritic> differentiated_critic(const Problem&);   critic, Step::d_q, d_value
//     static constexpr const char* meaning;                 of the exact moments, in place of "recursion"
//     static std::vector<double> constants(const Problem&, std::span<const Parameter>);   Step::constant, one per row target
// The estimate of a trajectory is the last entry of x_0. Since the map is linear in x, E x_t and E x_t x_t^T given s_t
// obey backward recursions of their own (X2), for any rule.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <utility>

#include "estimators/critic.hpp"
#include "estimators/differentiated_critic.hpp"
#include "estimators/estimator.hpp"
#include "estimators/step.hpp"
#include "estimators/touched_targets.hpp"
#include "libmdp/kernels/linear_recursion.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::estimators {

template <class Rule>
[[nodiscard]] constexpr bool is_off_policy() {
  if constexpr (requires { Rule::off_policy; }) return Rule::off_policy;
  return false;
}

/// Null for rules without derivatives of a critic.
template <class Rule>
[[nodiscard]] std::unique_ptr<const DifferentiatedCritic> differentiated_critic_of(const Problem& problem) {
  if constexpr (requires { Rule::differentiated_critic(problem); }) return Rule::differentiated_critic(problem);
  return nullptr;
}

/// \param differentiated  of the same rule
template <class Rule>
[[nodiscard]] Critic critic_of(const Problem& problem, const DifferentiatedCritic* differentiated) {
  if (differentiated != nullptr) return differentiated->critic();
  if constexpr (requires { Rule::critic(problem); }) {
    return Rule::critic(problem);
  } else {
    return Critic(problem);
  }
}

template <class Rule>
[[nodiscard]] std::vector<double> constants_of(const Problem& problem, const Targets& targets) {
  if constexpr (requires { Rule::constants(problem, std::span<const Parameter>(targets.rows)); }) {
    return Rule::constants(problem, targets.rows);
  } else {
    return std::vector<double>(targets.rows.size(), 0.0);
  }
}

/// x_N.
template <class Rule>
[[nodiscard]] std::array<double, Rule::size> start_record() {
  std::array<double, Rule::size> x{};
  x[0] = 1.0;
  if constexpr (requires { Rule::start(x.data()); }) Rule::start(x.data());
  return x;
}

/// What a step is to every parameter alike. \param entry  -1: no successor
[[nodiscard]] Step common_step(const Problem& problem, const Critic& critic, bool off_policy, std::int64_t t, State s,
                               Offset row, Offset entry);

/// x_0 of the steps of a trajectory.
template <class Rule>
[[nodiscard]] std::array<double, Rule::size> record(std::span<const Step> steps) {
  std::array<double, Rule::size> x = start_record<Rule>();
  for (std::size_t t = steps.size(); t-- > 0;) Rule::step(steps[t], x.data());
  return x;
}

/// X2 for one direction, or a pair of them. `second == nullptr`: first derivatives. `derivatives`: of the critic along the
/// second direction, null where the rule needs none. All arguments but directions must outlive the object.
template <class Rule>
class MomentRecursion {
 public:
  static constexpr std::size_t d = Rule::size;

  MomentRecursion(const Problem& problem, const Critic& critic, const Direction& first, const Direction* second,
                  double constant, const ValueDerivatives* derivatives = nullptr)
      : problem_(problem),
        critic_(critic),
        i_(problem.mdp(), problem.policy(), first, problem.temperature()),
        j_(problem.mdp(), problem.policy(), second != nullptr ? *second : Direction{}, problem.temperature()),
        ij_(problem.mdp(), problem.policy(), first, second != nullptr ? *second : Direction{}, problem.temperature()),
        constant_(constant),
        derivatives_(derivatives) {}

  /// E x_0 x_0^T. O(N n_transitions 2 d applications of the rule).
  [[nodiscard]] kernels::SecondMoments<d> second_moments(int threads) const {
    const std::array<double, d> x = start_record<Rule>();
    kernels::SecondMoments<d> last_record;
    for (std::size_t k = 0; k < d * d; ++k) last_record[k] = x[k / d] * x[k % d];
    return run(last_record, [&](bool last, const auto& map, const auto& next, auto& now) {
      kernels::second_moments_back<d>(problem_.mdp(), drawn_by(), last, map, next, now, threads);
    });
  }
  /// E x_0. O(N n_transitions).
  [[nodiscard]] std::array<double, d> mean(int threads) const {
    return run(start_record<Rule>(), [&](bool last, const auto& map, const auto& next, auto& now) {
      kernels::means_back<d>(problem_.mdp(), drawn_by(), last, map, next, now, threads);
    });
  }

 private:
  [[nodiscard]] const StochasticPolicy& drawn_by() const {
    return is_off_policy<Rule>() ? problem_.behaviour() : problem_.policy();
  }

  /// N stages back from x_N, averaged over the initial distribution.
  template <class Record, class Back>
  [[nodiscard]] Record run(const Record& last_record, const Back& back) const {
    const Mdp& mdp = problem_.mdp();
    std::vector<Record> next(static_cast<std::size_t>(mdp.n_states()), last_record), now(next.size());
    for (std::int64_t t = problem_.horizon(); t-- > 0;) {
      const auto map = [&](State s, Offset row, Offset entry, double* x) {
        Step step = common_step(problem_, critic_, is_off_policy<Rule>(), t, s, row, entry);
        step.constant = constant_;
        step.i = i_.at(row, entry);
        step.j = j_.at(row, entry);
        step.ij = ij_.at(row, entry);
        if (derivatives_ != nullptr) step.d_q = derivatives_->q_of(t, row);
        if (derivatives_ != nullptr) step.d_value = derivatives_->value_of(t, s);
        Rule::step(step, x);
      };
      back(t + 1 == problem_.horizon(), map, std::span<const Record>(next), now);
      now.swap(next);
    }
    Record root{};
    for (std::size_t s = 0; s < next.size(); ++s) {
      const double p = mdp.initial()[s];
      for (std::size_t k = 0; p > 0.0 && k < root.size(); ++k) root[k] += p * next[s][k];
    }
    return root;
  }

  const Problem& problem_;
  const Critic& critic_;
  DirectionScores i_, j_;
  DirectionCurvature ij_;
  double constant_;
  const ValueDerivatives* derivatives_;
};

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
    for (const Parameter& p : targets.columns) derivatives_.push_back(differentiated_->along(axis(problem.mdp(), p)));
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

  [[nodiscard]] ExactMoments exact(bool variance) const override {
    ExactMoments result;
    if constexpr (requires { Rule::meaning; }) result.meaning = Rule::meaning;
    result.mean.assign(targets_.size(), 0.0);
    if (variance) result.variance.assign(targets_.size(), 0.0);
    const std::size_t n_columns = std::max<std::size_t>(1, targets_.columns.size());
    kernels::parallel_blocks(static_cast<std::ptrdiff_t>(targets_.size()), problem_.options().threads,
                             [&](std::ptrdiff_t b) {
                               const auto k = static_cast<std::size_t>(b);
                               if (!targets_.symmetric || k % n_columns >= k / n_columns) fill(k, n_columns, result);
                             });
    return result;
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

  void fill(std::size_t k, std::size_t n_columns, ExactMoments& result) const {
    const std::size_t i = k / n_columns;
    const std::size_t j = k % n_columns;
    const Direction first = axis(problem_.mdp(), targets_.rows[i]);
    const Direction second = targets_.columns.empty() ? Direction{} : axis(problem_.mdp(), targets_.columns[j]);
    const MomentRecursion<Rule> recursion(problem_, critic_, first, targets_.columns.empty() ? nullptr : &second,
                                          constants_[i], derivatives_.empty() ? nullptr : &derivatives_[j]);
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
[[nodiscard]] Estimator recursion_estimator(std::string name, std::vector<Quantity> quantities,
                                            BiasSource source = BiasSource::none) {
  return {std::move(name), std::move(quantities), source, [](const Problem& problem, const Targets& targets) {
            return std::unique_ptr<Statistic>(std::make_unique<RecursionStatistic<Rule>>(problem, targets));
          }};
}

}  // namespace mdp::estimators
