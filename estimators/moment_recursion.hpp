// estimators/moment_recursion.hpp — the exact moments of rules along directions, by recursion over the stages (X2).
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "estimators/rule.hpp"
#include "libmdp/kernels/linear_recursion.hpp"

namespace mdp::estimators {

/// What a rule is asked for: a derivative along one direction, or (`second`) a second one along two. All must outlive the use.
struct EstimateOf {
  const Direction& first;
  const Direction* second = nullptr;
  double constant = 0.0;                          ///< Step::constant
  const ValueDerivatives* derivatives = nullptr;  ///< of the critic along `second`, where the rule takes them
};

/// Adds to a step what belongs to the derivative.
class StepOf {
 public:
  StepOf(const Problem& problem, const EstimateOf& of)
      : i_(problem.mdp(), problem.policy(), of.first, problem.temperature()),
        j_(problem.mdp(), problem.policy(), of.second != nullptr ? *of.second : Direction{}, problem.temperature()),
        ij_(problem.mdp(), problem.policy(), of.first, of.second != nullptr ? *of.second : Direction{},
            problem.temperature()),
        constant_(of.constant),
        derivatives_(of.derivatives) {}

  /// \param step  common_step() of the same place
  [[nodiscard]] Step operator()(Step step, std::int64_t t, State s, Offset row, Offset entry) const {
    step.constant = constant_;
    step.i = i_.at(row, entry);
    step.j = j_.at(row, entry);
    step.ij = ij_.at(row, entry);
    if (derivatives_ != nullptr) {
      step.d_q = derivatives_->q_of(t, row);
      step.d_value = derivatives_->value_of(t, s);
    }
    return step;
  }

 private:
  DirectionScores i_, j_;
  DirectionCurvature ij_;
  double constant_;
  const ValueDerivatives* derivatives_;
};

/// The policy that draws the actions of a rule.
template <class Rule>
[[nodiscard]] const StochasticPolicy& drawn_by(const Problem& problem) {
  return is_off_policy<Rule>() ? problem.behaviour() : problem.policy();
}

/// N stages back from x_N, averaged over the initial distribution. \param back  back(t, next, now): one stage
template <class Record, class Back>
[[nodiscard]] Record stages_back(const Problem& problem, const Record& last_record, const Back& back) {
  const Mdp& mdp = problem.mdp();
  std::vector<Record> next(static_cast<std::size_t>(mdp.n_states()), last_record), now(next.size());
  for (std::int64_t t = problem.horizon(); t-- > 0;) {
    back(t, std::span<const Record>(next), std::span<Record>(now));
    now.swap(next);
  }
  Record root{};
  for (std::size_t s = 0; s < next.size(); ++s) {
    const double p = mdp.initial()[s];
    for (std::size_t k = 0; p > 0.0 && k < root.size(); ++k) root[k] += p * next[s][k];
  }
  return root;
}

/// x x^T, column by column.
template <std::size_t d>
[[nodiscard]] kernels::SecondMoments<d> outer_square(const std::array<double, d>& x) {
  kernels::SecondMoments<d> square;
  for (std::size_t k = 0; k < d * d; ++k) square[k] = x[k / d] * x[k % d];
  return square;
}

/// Mean and second moments of one estimate.
template <class Rule>
class MomentRecursion {
 public:
  static constexpr std::size_t d = Rule::size;

  /// Problem and critic must outlive the object.
  MomentRecursion(const Problem& problem, const Critic& critic, const EstimateOf& of)
      : problem_(problem), critic_(critic), step_of_(problem, of) {}

  /// E x_0 x_0^T. O(N n_transitions 2 d applications of the rule).
  [[nodiscard]] kernels::SecondMoments<d> second_moments(int threads) const {
    return stages_back(problem_, outer_square<d>(start_record<Rule>()),
                       [&](std::int64_t t, const auto& next, const auto& now) {
                         kernels::second_moments_back<d>(problem_.mdp(), drawn_by<Rule>(problem_), is_last(t), map(t),
                                                         next, now, threads);
                       });
  }
  /// E x_0. O(N n_transitions).
  [[nodiscard]] std::array<double, d> mean(int threads) const {
    return stages_back(problem_, start_record<Rule>(), [&](std::int64_t t, const auto& next, const auto& now) {
      kernels::means_back<d>(problem_.mdp(), drawn_by<Rule>(problem_), is_last(t), map(t), next, now, threads);
    });
  }
  /// Var of the estimate.
  [[nodiscard]] double variance(int threads) const {
    const auto m = second_moments(threads);
    return std::max(0.0, m.back() - m[d - 1] * m[d - 1]);
  }

 private:
  [[nodiscard]] bool is_last(std::int64_t t) const { return t + 1 == problem_.horizon(); }
  [[nodiscard]] auto map(std::int64_t t) const {
    return [this, t](State s, Offset row, Offset entry, double* x) {
      Rule::step(step_of_(common_step(problem_, critic_, is_off_policy<Rule>(), t, s, row, entry), t, s, row, entry),
                 x);
    };
  }

  const Problem& problem_;
  const Critic& critic_;
  StepOf step_of_;
};

/// Two estimates of the same trajectory. The record: 1, the other numbers of the first one, those of the second.
template <class Rule>
class PairRecursion {
 public:
  static constexpr std::size_t one_size = Rule::size;
  static constexpr std::size_t d = 2 * one_size - 1;

  /// Problem and critic must outlive the object.
  PairRecursion(const Problem& problem, const Critic& critic, const EstimateOf& a, const EstimateOf& b)
      : problem_(problem), critic_(critic), first_(problem, a), second_(problem, b) {}

  /// Cov of the two. O(N n_transitions 2 d applications of both rules).
  [[nodiscard]] double covariance() const {
    const std::array<double, one_size> one = start_record<Rule>();
    std::array<double, d> both{};
    std::ranges::copy(one, both.begin());
    std::copy(one.begin() + 1, one.end(), both.begin() + one_size);
    const auto m = stages_back(problem_, outer_square<d>(both), [&](std::int64_t t, const auto& next, const auto& now) {
      kernels::second_moments_back<d>(
          problem_.mdp(), drawn_by<Rule>(problem_), t + 1 == problem_.horizon(),
          [&](State s, Offset row, Offset entry, double* x) { step(t, s, row, entry, x); }, next, now, 1);
    });
    constexpr std::size_t first = one_size - 1;
    return m[first * d + d - 1] - m[first] * m[d - 1];
  }

 private:
  void step(std::int64_t t, State s, Offset row, Offset entry, double* x) const {
    const Step common = common_step(problem_, critic_, is_off_policy<Rule>(), t, s, row, entry);
    std::array<double, one_size> second{x[0]};
    std::copy(x + one_size, x + d, second.begin() + 1);
    Rule::step(first_(common, t, s, row, entry), x);
    Rule::step(second_(common, t, s, row, entry), second.data());
    std::copy(second.begin() + 1, second.end(), x + one_size);
  }

  const Problem& problem_;
  const Critic& critic_;
  StepOf first_, second_;
};

}  // namespace mdp::estimators
