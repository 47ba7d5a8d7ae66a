#include <cmath>

#include "estimators/critic_batch.hpp"
#include "estimators/differentiated_critic.hpp"
#include "estimators/methods/critic_form.hpp"

namespace mdp::estimators {
namespace {

std::vector<double> monte_carlo_q(const Problem& problem) {
  const std::size_t n = at(problem.mdp().n_rows());
  std::vector<double> q(n, 0.0), visits(n, 0.0);
  CriticBatch(problem).for_trajectories([&](std::span<const Offset> rows, std::span<const Offset>) {
    double g = 0.0;
    for (std::size_t t = rows.size(); t-- > 0;) {
      g = problem.cost()[at(rows[t])] + problem.mdp().discount() * g;
      visits[at(rows[t])] += 1.0;
      q[at(rows[t])] += (g - q[at(rows[t])]) / visits[at(rows[t])];
    }
  });
  return q;
}

std::vector<double> td_q(const Problem& problem) {
  const std::size_t n = at(problem.mdp().n_rows());
  const double gamma = problem.mdp().discount();
  std::vector<double> q(n, 0.0), visits(n, 0.0), trace(n, 0.0);
  CriticBatch(problem).for_trajectories([&](std::span<const Offset> rows, std::span<const Offset>) {
    std::vector<std::size_t> met;
    for (std::size_t t = 0; t < rows.size(); ++t) {
      const std::size_t now = at(rows[t]);
      for (const std::size_t row : met) trace[row] *= gamma * problem.options().critic_lambda;
      if (trace[now] == 0.0) met.push_back(now);
      trace[now] += 1.0;
      visits[now] += 1.0;
      const double next = t + 1 < rows.size() ? q[at(rows[t + 1])] : 0.0;
      const double difference = problem.cost()[now] + gamma * next - q[now];
      for (const std::size_t row : met) q[row] += difference * trace[row] / std::pow(visits[row], 0.8);
    }
    for (const std::size_t row : met) trace[row] = 0.0;
  });
  return q;
}

}  // namespace

Critic MonteCarloCriticForm::critic(const Problem& problem) { return {problem, monte_carlo_q(problem)}; }
Critic TdCriticForm::critic(const Problem& problem) { return {problem, td_q(problem)}; }
Critic LstdCriticForm::critic(const Problem& problem) { return lstd_critic(problem, false)->critic(); }

}  // namespace mdp::estimators
