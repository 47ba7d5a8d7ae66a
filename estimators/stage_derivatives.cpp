#include "estimators/stage_derivatives.hpp"

#include <numeric>

#include "libmdp/kernels/parallel.hpp"
#include "libmdp/kernels/row_expectation.hpp"

namespace mdp::estimators {
namespace {

StageGradient zero(const Mdp& mdp) {
  return {std::vector<double>(at(mdp.n_rows())), std::vector<double>(at(mdp.n_transitions())),
          std::vector<double>(at(mdp.n_rows()))};
}

double inner(std::span<const double> u, std::span<const double> x) {
  return u.empty() ? 0.0 : std::inner_product(u.begin(), u.end(), x.begin(), 0.0);
}

/// The values of every stage and their derivatives along one direction.
class Tangent {
 public:
  Tangent(const Problem& problem, const Direction& u)
      : problem_(problem),
        mdp_(problem.mdp()),
        n_states_(at(mdp_.n_states())),
        n_rows_(at(mdp_.n_rows())),
        scores_(mdp_, problem.policy(), u, problem.temperature()),
        value_(at(problem.horizon() + 1) * n_states_, 0.0),
        next_mean_(at(problem.horizon()) * n_rows_, 0.0),
        occupancy_(n_states_, 0.0) {
    for (std::int64_t t = problem.horizon(); t-- > 0;) backward(t);
  }

  /// sum_t gamma^t d_t pi (dQ_t - <dQ_t>) of every row.
  [[nodiscard]] std::vector<double> score_times_q_derivative() const {
    std::vector<double> h(n_rows_, 0.0);
    double power = 1.0;
    for (std::int64_t t = 0; t < problem_.horizon(); ++t, power *= mdp_.discount()) {
      for (State s = 0; s < mdp_.n_states(); ++s) {
        double mean = 0.0;
        for (Offset row = mdp_.state_rows()[at(s)]; row < mdp_.state_rows()[at(s) + 1]; ++row)
          mean += problem_.policy()[at(row)] * d_q(t, row);
        for (Offset row = mdp_.state_rows()[at(s)]; row < mdp_.state_rows()[at(s) + 1]; ++row) {
          const double mass = problem_.stages().occupancy(t)[at(s)] * problem_.policy()[at(row)];
          h[at(row)] += power * mass * (d_q(t, row) - mean);
        }
      }
    }
    return h;
  }

  /// The derivative of the gradient, stage by stage, with d_t and its derivative carried forward.
  StageGradient gradient() {
    StageGradient result = zero(mdp_);
    double power = 1.0;
    for (std::int64_t t = 0; t < problem_.horizon(); ++t, power *= mdp_.discount()) {
      std::vector<double> next(n_states_, 0.0);
      for (State s = 0; s < mdp_.n_states(); ++s) {
        for (Offset row = mdp_.state_rows()[at(s)]; row < mdp_.state_rows()[at(s) + 1]; ++row) {
          if (problem_.policy()[at(row)] > 0.0) add_row(t, s, row, power, result, next);
        }
      }
      occupancy_.swap(next);
    }
    return result;
  }

 private:
  /// dQ_t = dL + gamma d(E V_{t+1}),  dV_t = sum pi (sigma Q_t + dQ_t).
  void backward(std::int64_t t) {
    const double* next = problem_.stages().values(t + 1).data();
    const double* d_next = value_.data() + at(t + 1) * n_states_;
    for (State s = 0; s < mdp_.n_states(); ++s) {
      for (Offset row = mdp_.state_rows()[at(s)]; row < mdp_.state_rows()[at(s) + 1]; ++row) {
        double mean = 0.0;
        kernels::row_expectation(mdp_, row, d_next, 1, &mean);
        mean += kernels::row_expectation_of_product(mdp_, row, next, scores_.transition().data());
        next_mean_[at(t) * n_rows_ + at(row)] = mean;
        const double pi = problem_.policy()[at(row)];
        if (pi == 0.0) continue;
        value_[at(t) * n_states_ + at(s)] += pi * (scores_.policy()[at(row)] * q(t, row) + d_q(t, row));
      }
    }
  }

  [[nodiscard]] double q(std::int64_t t, Offset row) const {
    return problem_.cost()[at(row)] + mdp_.discount() * problem_.stages().next_mean(t)[at(row)];
  }
  [[nodiscard]] double d_q(std::int64_t t, Offset row) const {
    return scores_.cost()[at(row)] + mdp_.discount() * next_mean_[at(t) * n_rows_ + at(row)];
  }

  void add_row(std::int64_t t, State s, Offset row, double power, StageGradient& g, std::vector<double>& next) {
    const StageValues& stages = problem_.stages();
    const double mass = stages.occupancy(t)[at(s)] * problem_.policy()[at(row)];
    const double d_mass =
        occupancy_[at(s)] * problem_.policy()[at(row)] + mass * scores_.policy()[at(row)];  // of P(s_t = s, a_t = a)
    g.policy_logit[at(row)] += power * (d_mass * (q(t, row) - stages.values(t)[at(s)]) +
                                        mass * (d_q(t, row) - value_[at(t) * n_states_ + at(s)]));
    g.cost[at(row)] += power * d_mass;
    const double mean = stages.next_mean(t)[at(row)];
    const double d_mean = next_mean_[at(t) * n_rows_ + at(row)];
    for (Offset i = mdp_.row_begin()[at(row)]; i < mdp_.row_begin()[at(row) + 1]; ++i) {
      const auto to = at(mdp_.next_state()[at(i)]);
      const double flow = mass * mdp_.probability()[at(i)];
      const double d_flow = d_mass * mdp_.probability()[at(i)] + flow * scores_.transition()[at(i)];
      next[to] += d_flow;
      if (t + 1 == problem_.horizon()) continue;
      g.probability_logit[at(i)] +=
          power * mdp_.discount() *
          (d_flow * (stages.values(t + 1)[to] - mean) + flow * (value_[at(t + 1) * n_states_ + to] - d_mean));
    }
  }

  const Problem& problem_;
  const Mdp& mdp_;
  std::size_t n_states_, n_rows_;
  DirectionScores scores_;
  std::vector<double> value_;      // [(N+1) * n_states] dV_t
  std::vector<double> next_mean_;  // [N * n_rows] d(E V_{t+1})
  std::vector<double> occupancy_;  // [n_states] d(d_t)
};

}  // namespace

double StageGradient::of(const Parameter& p) const {
  switch (p.kind) {
    case ParameterKind::policy_logit: return policy_logit[at(p.index)];
    case ParameterKind::probability_logit: return probability_logit[at(p.index)];
    case ParameterKind::cost: return cost[at(p.index)];
  }
  return not_computed;
}

double StageGradient::along(const Direction& u) const {
  return inner(u.policy_logit, policy_logit) + inner(u.probability_logit, probability_logit) + inner(u.cost, cost);
}

StageGradient stage_gradient(const Problem& problem) {
  const Mdp& mdp = problem.mdp();
  const StageValues& stages = problem.stages();
  StageGradient g = zero(mdp);
  double power = 1.0;
  for (std::int64_t t = 0; t < problem.horizon(); ++t, power *= mdp.discount()) {
    for (State s = 0; s < mdp.n_states(); ++s) {
      if (stages.occupancy(t)[at(s)] == 0.0) continue;
      for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
        const double mass = power * stages.occupancy(t)[at(s)] * problem.policy()[at(row)];
        if (mass == 0.0) continue;
        const double mean = stages.next_mean(t)[at(row)];
        g.policy_logit[at(row)] += mass * (problem.cost()[at(row)] + mdp.discount() * mean - stages.values(t)[at(s)]);
        g.cost[at(row)] += mass;
        for (Offset i = mdp.row_begin()[at(row)]; t + 1 < problem.horizon() && i < mdp.row_begin()[at(row) + 1]; ++i) {
          g.probability_logit[at(i)] += mass * mdp.discount() * mdp.probability()[at(i)] *
                                        (stages.values(t + 1)[at(mdp.next_state()[at(i)])] - mean);
        }
      }
    }
  }
  return g;
}

StageGradient stage_gradient_derivative(const Problem& problem, const Direction& u) {
  return Tangent(problem, u).gradient();
}

std::vector<double> score_times_q_derivative(const Problem& problem, const Direction& u) {
  return Tangent(problem, u).score_times_q_derivative();
}

std::vector<double> stage_hessian(const Problem& problem, std::span<const Parameter> rows,
                                  std::span<const Parameter> columns) {
  std::vector<double> hessian(rows.size() * columns.size());
  kernels::parallel_blocks(static_cast<std::ptrdiff_t>(rows.size()), problem.options().threads, [&](std::ptrdiff_t b) {
    const auto i = static_cast<std::size_t>(b);
    const StageGradient d = stage_gradient_derivative(problem, axis(problem.mdp(), rows[i]));
    for (std::size_t j = 0; j < columns.size(); ++j) hessian[i * columns.size() + j] = d.of(columns[j]);
  });
  return hessian;
}

}  // namespace mdp::estimators
