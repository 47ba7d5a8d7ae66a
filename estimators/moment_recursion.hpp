// estimators/moment_recursion.hpp — the exact moments of rules along directions, by recursion over the stages (X2).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
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

/// A rule at work for one derivative. Problem and critic must outlive it.
template <class Rule>
class RecordOf {
 public:
  static constexpr std::size_t d = Rule::size;

  RecordOf(const Problem& problem, const Critic& critic, const EstimateOf& of)
      : problem_(problem), critic_(critic), step_of_(problem, of) {}

  /// The map of step t at (s, row, entry), to be applied in place. Good while the object lives.
  [[nodiscard]] auto map(std::int64_t t, State s, Offset row, Offset entry) const {
    return [step = step_of_(common_step(problem_, critic_, is_off_policy<Rule>(), t, s, row, entry), t, s, row, entry)](
               double* x) { Rule::step(step, x); };
  }

 private:
  const Problem& problem_;
  const Critic& critic_;
  StepOf step_of_;
};

/// E x_0 y_0^T of two records of the same trajectory. O(N n_transitions 2 d applications of the rule).
template <class Rule>
[[nodiscard]] kernels::SecondMoments<Rule::size> second_moments(const Problem& problem, const RecordOf<Rule>& x,
                                                                const RecordOf<Rule>& y, int threads) {
  constexpr std::size_t d = Rule::size;
  const std::array<double, d> last = start_record<Rule>();
  kernels::SecondMoments<d> square;
  for (std::size_t k = 0; k < d * d; ++k) square[k] = last[k / d] * last[k % d];
  return stages_back(problem, square, [&](std::int64_t t, const auto& next, const auto& now) {
    const auto map_of = [t](const RecordOf<Rule>& of) {
      return [&of, t](State s, Offset row, Offset entry) { return of.map(t, s, row, entry); };
    };
    kernels::second_moments_back<d>(problem.mdp(), drawn_by<Rule>(problem), t + 1 == problem.horizon(), map_of(x),
                                    map_of(y), next, now, threads);
  });
}

/// Mean and second moments of one estimate.
template <class Rule>
class MomentRecursion {
 public:
  static constexpr std::size_t d = Rule::size;

  /// Problem and critic must outlive the object.
  MomentRecursion(const Problem& problem, const Critic& critic, const EstimateOf& of)
      : problem_(problem), record_(problem, critic, of) {}

  /// E x_0 x_0^T.
  [[nodiscard]] kernels::SecondMoments<d> second_moments(int threads) const {
    return estimators::second_moments(problem_, record_, record_, threads);
  }
  /// E x_0. O(N n_transitions).
  [[nodiscard]] std::array<double, d> mean(int threads) const {
    return stages_back(problem_, start_record<Rule>(), [&](std::int64_t t, const auto& next, const auto& now) {
      kernels::means_back<d>(
          problem_.mdp(), drawn_by<Rule>(problem_), t + 1 == problem_.horizon(),
          [&](State s, Offset row, Offset entry) { return record_.map(t, s, row, entry); }, next, now, threads);
    });
  }
  /// Var of the estimate.
  [[nodiscard]] double variance(int threads) const {
    const auto m = second_moments(threads);
    return std::max(0.0, m.back() - m[d - 1] * m[d - 1]);
  }

 private:
  const Problem& problem_;
  RecordOf<Rule> record_;
};

/// Cov of two estimates of the same trajectory.
template <class Rule>
[[nodiscard]] double covariance(const Problem& problem, const Critic& critic, const EstimateOf& a,
                                const EstimateOf& b) {
  constexpr std::size_t d = Rule::size;
  const auto m = second_moments(problem, RecordOf<Rule>(problem, critic, a), RecordOf<Rule>(problem, critic, b), 1);
  return m.back() - m[d - 1] * m[(d - 1) * d];
}

}  // namespace mdp::estimators
