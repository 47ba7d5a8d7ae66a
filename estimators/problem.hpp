// estimators/problem.hpp — the derivative to be estimated: model, policy, horizon, and what is exact about them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "estimators/parameters.hpp"
#include "estimators/stage_values.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"

namespace mdp::estimators {

struct ProblemOptions {
  std::int64_t horizon = 100;  ///< N stages, costs L_0 … L_{N-1}; >= 1
  /// beta >= 0: the objective is E sum gamma^k (L + beta log pi(a_k|s_k)). With beta > 0 the policy must be positive.
  double temperature = 0.0;
  std::vector<double> baseline = {};  ///< [n_states] b of the estimator `causal`, or empty = 0
  /// [n_rows] mu, which draws the actions of the importance-weighted estimators; positive where the policy is. Empty:
  /// tilted_policy().
  StochasticPolicy behaviour = {};
  double difference_step = 0.1;             ///< of a logit or cost, for finite differences; > 0
  std::int64_t critic_trajectories = 1000;  ///< of the independent batch from which critics are learned; >= 1
  double critic_lambda = 0.9;               ///< of TD(lambda) and LSTD(lambda), in [0, 1]
  std::uint64_t critic_seed = 1;
  int threads = 0;

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// pi(a|s) (1 + (a/(n-1) - 1/2) / 4), normalised: actions late in the order up to an eighth more likely.
[[nodiscard]] StochasticPolicy tilted_policy(const Mdp& mdp, std::span<const double> policy);

/// What every estimator is told. Immutable.
class Problem {
 public:
  /// \throws InvalidArgument if the policy or behaviour is not one of the MDP, if the policy meets infinite costs, if the
  ///         behaviour misses an action of the policy, or if the stage values need too much memory; InvalidOption.
  Problem(const Mdp& mdp, std::span<const double> policy, const ProblemOptions& options);

  [[nodiscard]] const Mdp& mdp() const { return mdp_; }
  [[nodiscard]] const StochasticPolicy& policy() const { return policy_; }
  [[nodiscard]] const StochasticPolicy& behaviour() const { return options_.behaviour; }
  [[nodiscard]] const ProblemOptions& options() const { return options_; }
  [[nodiscard]] std::int64_t horizon() const { return options_.horizon; }
  [[nodiscard]] double temperature() const { return options_.temperature; }
  /// [n_rows] L + beta log pi; 0 where the policy never goes.
  [[nodiscard]] const std::vector<double>& cost() const { return cost_; }
  [[nodiscard]] const StageValues& stages() const { return stages_; }

 private:
  Mdp mdp_;
  StochasticPolicy policy_;
  ProblemOptions options_;
  std::vector<double> cost_;
  StageValues stages_;
};

}  // namespace mdp::estimators
