#include "estimators/stage_derivatives.hpp"

#include <numeric>
#include <utility>

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

/// What changes along one direction: scores, values of every stage, probabilities of the states.
class Tangent {
 public:
  Tangent(const Problem& problem, const Direction& u)
      : problem_(problem),
        mdp_(problem.mdp()),
        scores_(mdp_, problem.policy(), u, problem.temperature()),
        values_{std::vector<double>(at(problem.horizon() * mdp_.n_rows()), 0.0),
                std::vector<double>(at((problem.horizon() + 1) * mdp_.n_states()), 0.0), at(mdp_.n_rows()),
                at(mdp_.n_states())} {
    for (std::int64_t t = problem.horizon(); t-- > 0;) backward(t);
  }

  [[nodiscard]] ValueDerivatives take_values() { return std::move(values_); }

  /// sum_t gamma^t d_t pi (dQ_t - <dQ_t>) of every row.
  [[nodiscard]] std::vector<double> score_times_q_derivative() const {
    std::vector<double> h(at(mdp_.n_rows()), 0.0);
    double power = 1.0;
    for (std::int64_t t = 0; t < problem_.horizon(); ++t, power *= mdp_.discount()) {
      for (State s = 0; s < mdp_.n_states(); ++s) {
        double mean = 0.0;
        for (Offset row = mdp_.state_rows()[at(s)]; row < mdp_.state_rows()[at(s) + 1]; ++row)
          mean += problem_.policy()[at(row)] * values_.q_of(t, row);
        for (Offset row = mdp_.state_rows()[at(s)]; row < mdp_.state_rows()[at(s) + 1]; ++row) {
          const double mass = problem_.stages().occupancy(t)[at(s)] * problem_.policy()[at(row)];
          h[at(row)] += power * mass * (values_.q_of(t, row) - mean);
        }
      }
    }
    return h;
  }

  /// The derivative of the gradient, stage by stage. \param d_occupancy  stage_occupancy_derivative()
  [[nodiscard]] StageGradient gradient(std::span<const double> d_occupancy) const {
    StageGradient result = zero(mdp_);
    double power = 1.0;
    for (std::int64_t t = 0; t < problem_.horizon(); ++t, power *= mdp_.discount()) {
      for (State s = 0; s < mdp_.n_states(); ++s) {
        const double d = d_occupancy[at(t * mdp_.n_states() + s)];
        for (Offset row = mdp_.state_rows()[at(s)]; row < mdp_.state_rows()[at(s) + 1]; ++row) {
          if (problem_.policy()[at(row)] > 0.0) add_row(t, s, row, power, d, result);
        }
      }
    }
    return result;
  }

 private:
  void backward(std::int64_t t) {
    const double* next = problem_.stages().values(t + 1).data();
    const double* d_next = values_.value.data() + at((t + 1) * mdp_.n_states());
    for (State s = 0; s < mdp_.n_states(); ++s) {
      for (Offset row = mdp_.state_rows()[at(s)]; row < mdp_.state_rows()[at(s) + 1]; ++row) {
        double mean = 0.0;
        kernels::row_expectation(mdp_, row, d_next, 1, &mean);
        mean += kernels::row_expectation_of_product(mdp_, row, next, scores_.transition().data());
        values_.q[at(t * mdp_.n_rows() + row)] = scores_.cost()[at(row)] + mdp_.discount() * mean;
        const double pi = problem_.policy()[at(row)];
        if (pi == 0.0) continue;
        values_.value[at(t * mdp_.n_states() + s)] +=
            pi * (scores_.policy()[at(row)] * q(t, row) + values_.q_of(t, row));
      }
    }
  }

  [[nodiscard]] double q(std::int64_t t, Offset row) const {
    return problem_.cost()[at(row)] + mdp_.discount() * problem_.stages().next_mean(t)[at(row)];
  }

  /// \param d_state  of P(s_t = s)
  void add_row(std::int64_t t, State s, Offset row, double power, double d_state, StageGradient& g) const {
    const StageValues& stages = problem_.stages();
    const double mass = stages.occupancy(t)[at(s)] * problem_.policy()[at(row)];
    const double d_mass = d_state * problem_.policy()[at(row)] + mass * scores_.policy()[at(row)];  // of P(s_t, a_t)
    g.policy_logit[at(row)] += power * (d_mass * (q(t, row) - stages.values(t)[at(s)]) +
                                        mass * (values_.q_of(t, row) - values_.value_of(t, s)));
    g.cost[at(row)] += power * d_mass;
    if (t + 1 == problem_.horizon()) return;
    const double mean = stages.next_mean(t)[at(row)];
    const double d_mean_discounted = values_.q_of(t, row) - scores_.cost()[at(row)];
    for (Offset i = mdp_.row_begin()[at(row)]; i < mdp_.row_begin()[at(row) + 1]; ++i) {
      const State to = mdp_.next_state()[at(i)];
      const double flow = mass * mdp_.probability()[at(i)];
      const double d_flow = d_mass * mdp_.probability()[at(i)] + flow * scores_.transition()[at(i)];
      g.probability_logit[at(i)] +=
          power * (mdp_.discount() * d_flow * (stages.values(t + 1)[at(to)] - mean) +
                   flow * (mdp_.discount() * values_.value_of(t + 1, to) - d_mean_discounted));
    }
  }

  const Problem& problem_;
  const Mdp& mdp_;
  DirectionScores scores_;
  ValueDerivatives values_;
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

ValueDerivatives stage_value_derivatives(const Problem& problem, const Direction& u) {
  return Tangent(problem, u).take_values();
}

std::vector<double> stage_occupancy_derivative(const Problem& problem, const Direction& u) {
  const Mdp& mdp = problem.mdp();
  const DirectionScores scores(mdp, problem.policy(), u, problem.temperature());
  const std::size_t n = at(mdp.n_states());
  std::vector<double> d(at(problem.horizon()) * n, 0.0);
  for (std::int64_t t = 0; t + 1 < problem.horizon(); ++t) {
    const double* now = d.data() + at(t) * n;
    double* next = d.data() + at(t + 1) * n;
    for (State s = 0; s < mdp.n_states(); ++s) {
      for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
        const double pi = problem.policy()[at(row)];
        const double mass = problem.stages().occupancy(t)[at(s)] * pi;
        const double d_mass = now[at(s)] * pi + mass * scores.policy()[at(row)];
        for (Offset i = mdp.row_begin()[at(row)]; pi > 0.0 && i < mdp.row_begin()[at(row) + 1]; ++i) {
          next[at(mdp.next_state()[at(i)])] += mdp.probability()[at(i)] * (d_mass + mass * scores.transition()[at(i)]);
        }
      }
    }
  }
  return d;
}

StageGradient stage_gradient_derivative(const Problem& problem, const Direction& u) {
  return Tangent(problem, u).gradient(stage_occupancy_derivative(problem, u));
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
