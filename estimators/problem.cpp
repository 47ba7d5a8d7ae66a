#include "estimators/problem.hpp"

#include <cmath>
#include <cstddef>
#include <utility>

#include "estimators/finite_costs.hpp"
#include "libmdp/error.hpp"

namespace mdp::estimators {
namespace {

ProblemOptions checked(const Mdp& mdp, std::span<const double> policy, ProblemOptions options) {
  if (const auto broken = options.check(); !broken.empty()) throw InvalidOption("Problem: " + broken);
  require_finite_return(mdp, policy);
  require_valid_baseline(mdp, options.baseline);
  if (options.behaviour.empty()) options.behaviour = tilted_policy(mdp, policy);
  require_finite_return(mdp, options.behaviour);
  for (Offset row = 0; row < mdp.n_rows(); ++row) {
    if (policy[at(row)] > 0.0 && options.behaviour[at(row)] == 0.0) {
      throw InvalidArgument("the behaviour policy never takes action " + mdp.action_name(row) + " in state " +
                            mdp.state_name(mdp.state_of(row)) + ", which the policy takes");
    }
    if (options.temperature > 0.0 && policy[at(row)] == 0.0) {
      throw InvalidArgument("with an entropy term every action has positive probability; action " +
                            mdp.action_name(row) + " in state " + mdp.state_name(mdp.state_of(row)) + " has none");
    }
  }
  return options;
}

std::vector<double> entropy_cost(const Mdp& mdp, std::span<const double> policy, double temperature) {
  std::vector<double> cost(at(mdp.n_rows()), 0.0);
  for (std::size_t row = 0; row < cost.size(); ++row) {
    if (policy[row] > 0.0)
      cost[row] = mdp.cost()[row] + (temperature > 0.0 ? temperature * std::log(policy[row]) : 0.0);
  }
  return cost;
}

}  // namespace

std::string ProblemOptions::check() const {
  if (horizon < 1) return "horizon = " + std::to_string(horizon) + ", required >= 1";
  if (!(temperature >= 0.0 && temperature < infinity)) {
    return "temperature = " + std::to_string(temperature) + ", required >= 0 and finite";
  }
  if (!(difference_step > 0.0 && difference_step < infinity)) {
    return "difference_step = " + std::to_string(difference_step) + ", required > 0 and finite";
  }
  if (critic_trajectories < 1) {
    return "critic_trajectories = " + std::to_string(critic_trajectories) + ", required >= 1";
  }
  if (!(critic_lambda >= 0.0 && critic_lambda <= 1.0)) {
    return "critic_lambda = " + std::to_string(critic_lambda) + ", required in [0, 1]";
  }
  return "";
}

StochasticPolicy tilted_policy(const Mdp& mdp, std::span<const double> policy) {
  StochasticPolicy tilted(policy.begin(), policy.end());
  for (State s = 0; s < mdp.n_states(); ++s) {
    const Offset first = mdp.state_rows()[at(s)];
    const Offset n = mdp.n_actions(s);
    double sum = 0.0;
    for (Offset a = 0; a < n && n > 1; ++a) {
      const double position = static_cast<double>(a) / static_cast<double>(n - 1) - 0.5;
      tilted[at(first + a)] *= 1.0 + position / 4.0;
      sum += tilted[at(first + a)];
    }
    for (Offset a = 0; a < n && n > 1; ++a) tilted[at(first + a)] /= sum;
  }
  return tilted;
}

Problem::Problem(const Mdp& mdp, std::span<const double> policy, const ProblemOptions& options)
    : mdp_(mdp),
      policy_(policy.begin(), policy.end()),
      options_(checked(mdp, policy, options)),
      cost_(entropy_cost(mdp, policy_, options.temperature)),
      stages_(mdp_, policy_, cost_, options.horizon, options.threads) {}

}  // namespace mdp::estimators
