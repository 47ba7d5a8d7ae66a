#include "estimators/methods/measure_valued.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/kernels/parallel_tasks.hpp"
#include "libmdp/kernels/row_expectation.hpp"

namespace mdp::estimators {
namespace {

/// Variance of the return from every state and row, stage by stage.
class ReturnVariance {
 public:
  explicit ReturnVariance(const Problem& problem)
      : n_states_(at(problem.mdp().n_states())), n_rows_(at(problem.mdp().n_rows())) {
    const Mdp& mdp = problem.mdp();
    const double gamma = mdp.discount();
    of_state_.assign(at(problem.horizon() + 1) * n_states_, 0.0);
    of_row_.assign(at(problem.horizon()) * n_rows_, 0.0);
    std::vector<double> square(n_states_, 0.0), before(n_states_);
    for (std::int64_t t = problem.horizon(); t-- > 0;) {
      for (State s = 0; s < mdp.n_states(); ++s) {
        before[at(s)] = 0.0;
        for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
          double mean_square = 0.0;
          kernels::row_expectation(mdp, row, square.data(), 1, &mean_square);
          const double cost = problem.cost()[at(row)];
          const double mean = problem.stages().next_mean(t)[at(row)];
          const double second = cost * cost + 2.0 * gamma * cost * mean + gamma * gamma * mean_square;
          of_row_[at(t) * n_rows_ + at(row)] = std::max(0.0, second - (cost + gamma * mean) * (cost + gamma * mean));
          before[at(s)] += problem.policy()[at(row)] * second;
        }
        const double value = problem.stages().values(t)[at(s)];
        of_state_[at(t) * n_states_ + at(s)] = std::max(0.0, before[at(s)] - value * value);
      }
      square.swap(before);
    }
  }
  [[nodiscard]] double row(std::int64_t t, Offset row) const { return of_row_[at(t) * n_rows_ + at(row)]; }
  [[nodiscard]] double state(std::int64_t t, State s) const { return of_state_[at(t) * n_states_ + at(s)]; }

 private:
  std::size_t n_states_, n_rows_;
  std::vector<double> of_state_, of_row_;
};

/// p_b (x_b - sum p x) and its variance for independent x.
struct Contrast {
  double mean = 0.0;
  double variance = 0.0;
};
template <class Mean, class Variance>
Contrast contrast(std::span<const double> p, Offset first, Offset last, Offset b, const Mean& mean, const Variance& v) {
  Contrast c;
  for (Offset i = first; i < last; ++i) {
    const double weight = p[at(b)] * ((i == b ? 1.0 : 0.0) - p[at(i)]);
    if (weight == 0.0) continue;
    c.mean += weight * mean(i);
    c.variance += weight * weight * v(i);
  }
  return c;
}

class MeasureValued : public Statistic {
 public:
  MeasureValued(const Problem& problem, const Targets& targets)
      : problem_(problem), mdp_(problem.mdp()), targets_(targets), simulator_(mdp_, problem.policy(), 1) {
    of_state_.resize(at(mdp_.n_states()));
    of_row_.resize(at(mdp_.n_rows()));
    for (std::size_t i = 0; i < targets.rows.size(); ++i) {
      const ParameterScores scores(mdp_, problem.policy(), targets.rows[i], problem.temperature());
      owner_.push_back(scores.owner());
      auto& list = targets.rows[i].kind == ParameterKind::policy_logit ? of_state_ : of_row_;
      list[at(scores.owner())].push_back(i);
    }
  }

  [[nodiscard]] std::size_t n_tallied() const override { return targets_.size(); }
  [[nodiscard]] std::unique_ptr<Scratch> scratch() const override { return std::make_unique<Sums>(targets_.size()); }
  [[nodiscard]] const StochasticPolicy& drawn_by() const override { return problem_.policy(); }
  [[nodiscard]] double exact_products(bool) const override {
    return 6.0 * static_cast<double>(targets_.size()) * static_cast<double>(problem_.horizon()) *
           static_cast<double>(mdp_.n_transitions());
  }

  void add(const SampledPath& path, Scratch& scratch, Tally& tally) const override {
    auto& sums = static_cast<Sums&>(scratch);
    RandomSequence random(path.seed, RandomStream::trajectory, branch_index + path.index);
    double power = 1.0;
    const auto n = static_cast<std::int64_t>(path.row.size());
    for (std::int64_t t = 0; t < n; ++t, power *= mdp_.discount()) {
      const State s = path.state[at(t)];
      const Offset row = path.row[at(t)];
      add_branches(of_state_[at(s)], ParameterKind::policy_logit, mdp_.state_rows()[at(s)],
                   mdp_.state_rows()[at(s) + 1], problem_.policy(), power, sums,
                   [&](Offset a) { return from_row(random, a, n - t, tally); });
      if (of_row_[at(row)].empty()) continue;
      for (const std::size_t i : of_row_[at(row)]) {
        if (targets_.rows[i].kind == ParameterKind::cost) sums.add(i, power);
      }
      if (t + 1 == n) continue;
      add_branches(of_row_[at(row)], ParameterKind::probability_logit, mdp_.row_begin()[at(row)],
                   mdp_.row_begin()[at(row) + 1], mdp_.probability(), power * mdp_.discount(), sums,
                   [&](Offset entry) { return from_state(random, mdp_.next_state()[at(entry)], n - t - 1, tally); });
    }
    sums.flush(tally);
  }

  [[nodiscard]] ExactMoments exact(bool variance, const Observer& observer) const override {
    ExactMoments result{.mean = std::vector<double>(targets_.size()),
                        .variance = std::vector<double>(variance ? targets_.size() : 0),
                        .bias_times_n = {},
                        .meaning = "recursion"};
    const ReturnVariance branches(problem_);
    const bool done = kernels::parallel_tasks(static_cast<std::ptrdiff_t>(targets_.size()), problem_.options().threads,
                                              observer, [&](std::ptrdiff_t block) {
                                                const auto i = static_cast<std::size_t>(block);
                                                const Contrast moments = moments_of(i, branches);
                                                result.mean[i] = moments.mean;
                                                if (variance) result.variance[i] = moments.variance;
                                              });
    return done ? result : ExactMoments{};
  }

 private:
  /// Of one trajectory, for the targets met.
  struct Sums : Scratch {
    explicit Sums(std::size_t n) : value(n, 0.0), met(n, 0) {}
    void add(std::size_t i, double x) {
      if (met[i] == 0) order.push_back(i);
      met[i] = 1;
      value[i] += x;
    }
    void flush(Tally& tally) {
      for (const std::size_t i : order) {
        tally.add(i, value[i]);
        value[i] = 0.0;
        met[i] = 0;
      }
      order.clear();
    }
    std::vector<double> value;
    std::vector<char> met;
    std::vector<std::size_t> order;
  };

  template <class ReturnFrom>
  void add_branches(const std::vector<std::size_t>& targets, ParameterKind kind, Offset first, Offset last,
                    std::span<const double> p, double power, Sums& sums, const ReturnFrom& return_from) const {
    const bool any = std::ranges::any_of(targets, [&](std::size_t i) { return targets_.rows[i].kind == kind; });
    if (!any || last - first < 2) return;
    std::vector<double> g;
    double mean = 0.0;
    for (Offset i = first; i < last; ++i) {
      g.push_back(p[at(i)] > 0.0 ? return_from(i) : 0.0);
      mean += p[at(i)] * g.back();
    }
    for (const std::size_t i : targets) {
      const Offset b = targets_.rows[i].index;
      if (targets_.rows[i].kind == kind) sums.add(i, power * p[at(b)] * (g[at(b - first)] - mean));
    }
  }

  /// The return of `steps` stages from s.
  double from_state(RandomSequence& random, State s, std::int64_t steps, Tally& tally) const {
    if (steps == 0 || (problem_.temperature() == 0.0 && simulator_.is_final(s))) return 0.0;
    return from_row(random, simulator_.draw_row(random, s), steps, tally);
  }
  double from_row(RandomSequence& random, Offset row, std::int64_t steps, Tally& tally) const {
    double g = 0.0;
    double power = 1.0;
    for (std::int64_t k = 0;; ++k) {
      g += power * problem_.cost()[at(row)];
      ++tally.transitions;
      if (k + 1 == steps) return g;
      const State s = mdp_.next_state()[at(simulator_.draw_entry(random, row))];
      if (problem_.temperature() == 0.0 && simulator_.is_final(s)) return g;
      row = simulator_.draw_row(random, s);
      power *= mdp_.discount();
    }
  }

  /// The contribution of step (s, row) at stage t given the trajectory: mean and variance of its branches.
  [[nodiscard]] Contrast step_of(std::size_t i, const ReturnVariance& branches, std::int64_t t, State s,
                                 Offset row) const {
    const Parameter& target = targets_.rows[i];
    const double gamma = mdp_.discount();
    const StageValues& stages = problem_.stages();
    switch (target.kind) {
      case ParameterKind::policy_logit:
        if (s != owner_[i]) return {};
        return contrast(
            problem_.policy(), mdp_.state_rows()[at(s)], mdp_.state_rows()[at(s) + 1], target.index,
            [&](Offset a) { return problem_.cost()[at(a)] + gamma * stages.next_mean(t)[at(a)]; },
            [&](Offset a) { return branches.row(t, a); });
      case ParameterKind::probability_logit: {
        if (row != owner_[i] || t + 1 == problem_.horizon()) return {};
        const Contrast next = contrast(
            mdp_.probability(), mdp_.row_begin()[at(row)], mdp_.row_begin()[at(row) + 1], target.index,
            [&](Offset k) { return stages.values(t + 1)[at(mdp_.next_state()[at(k)])]; },
            [&](Offset k) { return branches.state(t + 1, mdp_.next_state()[at(k)]); });
        return {gamma * next.mean, gamma * gamma * next.variance};
      }
      case ParameterKind::cost: return {row == owner_[i] ? 1.0 : 0.0, 0.0};
    }
    return {};
  }

  /// Mean and variance of the estimate: m1 = E sum gamma^t c_t, m2 = E (sum)^2, v = E sum gamma^2t v_t, backwards.
  [[nodiscard]] Contrast moments_of(std::size_t i, const ReturnVariance& branches) const {
    const double gamma = mdp_.discount();
    std::vector<double> next(at(mdp_.n_states()) * 2, 0.0), now(next.size());
    for (std::int64_t t = problem_.horizon(); t-- > 0;) {
      for (State s = 0; s < mdp_.n_states(); ++s) {
        double* out = now.data() + at(s) * 2;
        out[0] = out[1] = 0.0;
        for (Offset row = mdp_.state_rows()[at(s)]; row < mdp_.state_rows()[at(s) + 1]; ++row) {
          const double pi = problem_.policy()[at(row)];
          if (pi == 0.0) continue;
          double e[2];
          kernels::row_expectation(mdp_, row, next.data(), 2, e);
          const Contrast c = step_of(i, branches, t, s, row);
          out[0] += pi * (c.mean + gamma * e[0]);
          out[1] += pi * (c.mean * c.mean + c.variance + 2.0 * gamma * c.mean * e[0] + gamma * gamma * e[1]);
        }
      }
      now.swap(next);
    }
    Contrast result;
    for (State s = 0; s < mdp_.n_states(); ++s) {
      result.mean += mdp_.initial()[at(s)] * next[at(s) * 2];
      result.variance += mdp_.initial()[at(s)] * next[at(s) * 2 + 1];
    }
    result.variance = std::max(0.0, result.variance - result.mean * result.mean);
    return result;
  }

  const Problem& problem_;
  const Mdp& mdp_;
  Targets targets_;
  Simulator simulator_;
  std::vector<Offset> owner_;
  std::vector<std::vector<std::size_t>> of_state_, of_row_;
};

}  // namespace

std::unique_ptr<Statistic> measure_valued_statistic(const Problem& problem, const Targets& targets) {
  return std::make_unique<MeasureValued>(problem, targets);
}

}  // namespace mdp::estimators
