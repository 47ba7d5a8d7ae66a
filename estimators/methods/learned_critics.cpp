#include <cmath>
#include <string>

#include <Eigen/Dense>

#include "estimators/estimator.hpp"
#include "estimators/methods/critic_form.hpp"
#include "estimators/simulator.hpp"
#include "libmdp/error.hpp"

namespace mdp::estimators {
namespace {

constexpr Offset most_lstd_pairs = 3000;

/// The rows of the batch, trajectory by trajectory, N each.
std::vector<Offset> batch_of(const Problem& problem) {
  const std::int64_t n = problem.options().critic_trajectories;
  const std::size_t steps = at(problem.horizon());
  const Simulator simulator(problem.mdp(), problem.policy(), problem.options().threads);
  std::vector<Offset> rows(at(n) * steps);
  std::vector<State> state(steps + 1);
  for (std::int64_t i = 0; i < n; ++i) {
    simulator.draw(problem.options().critic_seed, critic_index + static_cast<std::uint64_t>(i),
                   std::span(rows).subspan(at(i) * steps, steps), state, [](State) { return false; });
  }
  return rows;
}

/// f(rows of one trajectory) for all of the batch.
template <class F>
void for_trajectories(const Problem& problem, const F& f) {
  const std::vector<Offset> rows = batch_of(problem);
  const std::size_t steps = at(problem.horizon());
  for (std::size_t first = 0; first < rows.size(); first += steps) f(std::span(rows).subspan(first, steps));
}

std::vector<double> monte_carlo_q(const Problem& problem) {
  const std::size_t n = at(problem.mdp().n_rows());
  std::vector<double> q(n, 0.0), visits(n, 0.0);
  for_trajectories(problem, [&](std::span<const Offset> rows) {
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
  for_trajectories(problem, [&](std::span<const Offset> rows) {
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

/// sum z (phi - gamma phi')^T q = sum z L, z = gamma lambda z + phi: one indicator per pair met, trajectories end in 0.
std::vector<double> lstd_q(const Problem& problem) {
  const Offset n_rows = problem.mdp().n_rows();
  if (n_rows > most_lstd_pairs) {
    throw InvalidArgument("critic-lstd solves a dense system of n_rows = " + std::to_string(n_rows) + ", at most " +
                          std::to_string(most_lstd_pairs));
  }
  const double gamma = problem.mdp().discount();
  const double decay = gamma * problem.options().critic_lambda;
  Eigen::MatrixXd a = Eigen::MatrixXd::Zero(n_rows, n_rows);
  Eigen::VectorXd b = Eigen::VectorXd::Zero(n_rows);
  for_trajectories(problem, [&](std::span<const Offset> rows) {
    Eigen::VectorXd z = Eigen::VectorXd::Zero(n_rows);
    for (std::size_t t = 0; t < rows.size(); ++t) {
      z *= decay;
      z(rows[t]) += 1.0;
      a.col(rows[t]) += z;
      if (t + 1 < rows.size()) a.col(rows[t + 1]) -= gamma * z;
      b += problem.cost()[at(rows[t])] * z;
    }
  });
  for (Offset row = 0; row < n_rows; ++row) {
    if (a.row(row).isZero(0.0)) a(row, row) = 1.0;  // never met
  }
  const Eigen::VectorXd q = a.partialPivLu().solve(b);
  return {q.data(), q.data() + n_rows};
}

}  // namespace

Critic MonteCarloCriticForm::critic(const Problem& problem) { return {problem, monte_carlo_q(problem)}; }
Critic TdCriticForm::critic(const Problem& problem) { return {problem, td_q(problem)}; }
Critic LstdCriticForm::critic(const Problem& problem) { return {problem, lstd_q(problem)}; }

}  // namespace mdp::estimators
