#include "estimators/predicted_bias.hpp"

#include <algorithm>
#include <functional>

#include "estimators/stage_derivatives.hpp"
#include "libmdp/kernels/parallel.hpp"
#include "libmdp/kernels/row_expectation.hpp"

namespace mdp::estimators {
namespace {

/// sum_t E[w_t (c dL_t + sigma^pi_t q_t(s_t,a_t)) + w_{t+1} sigma^rho_{t+1} v_{t+1}(s_{t+1})].
struct Terms {
  std::function<double(std::int64_t)> weight;
  std::function<double(std::int64_t, Offset)> q;
  std::function<double(std::int64_t, State)> v;
  double cost = 0.0;  // c
};

std::vector<double> expectation(const Problem& problem, const Targets& targets, const Terms& terms) {
  const Mdp& mdp = problem.mdp();
  StageGradient g{std::vector<double>(at(mdp.n_rows())), std::vector<double>(at(mdp.n_transitions())),
                  std::vector<double>(at(mdp.n_rows()))};
  std::vector<double> v(at(mdp.n_states()));
  for (std::int64_t t = 0; t < problem.horizon(); ++t) {
    for (State s = 0; s < mdp.n_states(); ++s) v[at(s)] = terms.v(t + 1, s);
    for (State s = 0; s < mdp.n_states(); ++s) {
      const double d = problem.stages().occupancy(t)[at(s)];
      if (d == 0.0) continue;
      double mean_q = 0.0;
      for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
        if (problem.policy()[at(row)] > 0.0) mean_q += problem.policy()[at(row)] * terms.q(t, row);
      }
      for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
        const double mass = d * problem.policy()[at(row)];
        if (mass == 0.0) continue;
        g.policy_logit[at(row)] += terms.weight(t) * mass * (terms.q(t, row) - mean_q);
        g.cost[at(row)] += terms.cost * terms.weight(t) * mass;
        if (t + 1 == problem.horizon()) continue;
        double mean_v = 0.0;
        kernels::row_expectation(mdp, row, v.data(), 1, &mean_v);
        for (Offset i = mdp.row_begin()[at(row)]; i < mdp.row_begin()[at(row) + 1]; ++i) {
          g.probability_logit[at(i)] +=
              terms.weight(t + 1) * mass * mdp.probability()[at(i)] * (v[at(mdp.next_state()[at(i)])] - mean_v);
        }
      }
    }
  }
  std::vector<double> bias;
  for (const Parameter& p : targets.rows) bias.push_back(g.of(p));
  return bias;
}

std::function<double(std::int64_t)> powers(const Problem& problem) {
  std::vector<double> power(at(problem.horizon()) + 2, 1.0);
  for (std::size_t t = 1; t < power.size(); ++t) power[t] = power[t - 1] * problem.mdp().discount();
  return [power](std::int64_t t) { return power[at(t)]; };
}

}  // namespace

std::vector<double> critic_bias(const Problem& problem, const Targets& targets, const Critic& critic) {
  const Critic exact(problem);
  return expectation(problem, targets,
                     {.weight = powers(problem),
                      .q = [&](std::int64_t t, Offset row) { return critic.q(t, row) - exact.q(t, row); },
                      .v = [&](std::int64_t t, State s) { return critic.value(t, s) - exact.value(t, s); }});
}

std::vector<double> state_weighting_bias(const Problem& problem, const Targets& targets) {
  const Critic exact(problem);
  const auto power = powers(problem);
  return expectation(problem, targets,
                     {.weight = [&](std::int64_t t) { return 1.0 - power(t); },
                      .q = [&](std::int64_t t, Offset row) { return exact.q(t, row); },
                      .v = [&](std::int64_t t, State s) { return exact.value(t, s); },
                      .cost = 1.0});
}

std::vector<double> per_step_score_bias(const Problem& problem, const Targets& targets) {
  const Mdp& mdp = problem.mdp();
  const double gamma = mdp.discount();
  const auto after = [&](std::int64_t t, Offset row) { return gamma * problem.stages().next_mean(t)[at(row)]; };
  return expectation(problem, targets,
                     {.weight = powers(problem),
                      .q = [&](std::int64_t t, Offset row) { return -after(t, row); },
                      .v =
                          [&](std::int64_t t, State s) {
                            double mean = 0.0;
                            for (Offset row = mdp.state_rows()[at(s)];
                                 t < problem.horizon() && row < mdp.state_rows()[at(s) + 1]; ++row) {
                              mean += problem.policy()[at(row)] * after(t, row);
                            }
                            return -mean;
                          }});
}

std::vector<double> cross_term_bias(const Problem& problem, const Targets& targets) {
  const std::size_t n = targets.rows.size();
  const std::size_t m = targets.columns.size();
  std::vector<double> cross(n * m), transposed(n * m);
  // H_12 with columns j; its transpose needs dQ along the rows: both lists are logits of the policy.
  const auto fill = [&](const std::vector<Parameter>& along, const std::vector<Parameter>& scores, auto&& store) {
    kernels::parallel_blocks(
        static_cast<std::ptrdiff_t>(along.size()), problem.options().threads, [&](std::ptrdiff_t b) {
          const auto j = static_cast<std::size_t>(b);
          const std::vector<double> h = score_times_q_derivative(problem, axis(problem.mdp(), along[j]));
          for (std::size_t i = 0; i < scores.size(); ++i) store(i, j, h[at(scores[i].index)]);
        });
  };
  fill(targets.columns, targets.rows, [&](std::size_t i, std::size_t j, double x) { cross[i * m + j] = x; });
  fill(targets.rows, targets.columns, [&](std::size_t j, std::size_t i, double x) { transposed[i * m + j] = x; });
  std::vector<double> bias(n * m);
  std::ranges::transform(cross, transposed, bias.begin(), [](double a, double b) { return -(a + b); });
  return bias;
}

namespace {

/// [n_rows] critic_hessian_bias() of every row by one direction.
std::vector<double> critic_hessian_bias_along(const Problem& problem, const Direction& u,
                                              const DifferentiatedCritic& differentiated, const Critic& critic) {
  const Mdp& mdp = problem.mdp();
  const Critic exact(problem);
  const ValueDerivatives d_exact = stage_value_derivatives(problem, u);
  const ValueDerivatives d_critic = differentiated.along(u);
  const std::vector<double> d_state = stage_occupancy_derivative(problem, u);
  const DirectionScores scores(mdp, problem.policy(), u, problem.temperature());
  const auto power = powers(problem);
  std::vector<double> bias(at(mdp.n_rows()), 0.0);
  for (std::int64_t t = 0; t < problem.horizon(); ++t) {
    const auto e = [&](Offset row) { return critic.q(t, row) - exact.q(t, row); };
    const auto de = [&](Offset row) { return d_critic.q_of(t, row) - d_exact.q_of(t, row); };
    for (State s = 0; s < mdp.n_states(); ++s) {
      const double d = problem.stages().occupancy(t)[at(s)];
      double mean = 0.0, d_mean = 0.0;
      for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
        mean += problem.policy()[at(row)] * e(row);
        d_mean += problem.policy()[at(row)] * (scores.policy()[at(row)] * e(row) + de(row));
      }
      for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
        const double pi = problem.policy()[at(row)];
        const double d_mass = pi * (d_state[at(t * mdp.n_states() + s)] + d * scores.policy()[at(row)]);
        bias[at(row)] += power(t) * (d_mass * (e(row) - mean) + d * pi * (de(row) - d_mean));
      }
    }
  }
  return bias;
}

}  // namespace

std::vector<double> critic_hessian_bias(const Problem& problem, const Targets& targets,
                                        const DifferentiatedCritic& critic) {
  const std::size_t m = targets.columns.size();
  const Critic values = critic.critic();
  std::vector<double> bias(targets.size());
  kernels::parallel_blocks(static_cast<std::ptrdiff_t>(m), problem.options().threads, [&](std::ptrdiff_t b) {
    const auto j = static_cast<std::size_t>(b);
    const auto along = critic_hessian_bias_along(problem, axis(problem.mdp(), targets.columns[j]), critic, values);
    for (std::size_t i = 0; i < targets.rows.size(); ++i) bias[i * m + j] = along[at(targets.rows[i].index)];
  });
  return bias;
}

}  // namespace mdp::estimators
