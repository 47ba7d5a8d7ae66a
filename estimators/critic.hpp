// estimators/critic.hpp — values that an estimator takes for those of the policy: exact, or learned from a batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "estimators/problem.hpp"

namespace mdp::estimators {

/// Q_t, V_t and E[V_{t+1}|s,a] of every stage: the exact ones of a problem, or one Q for all stages.
class Critic {
 public:
  /// Exact, stage by stage. \param problem  must outlive this object
  explicit Critic(const Problem& problem) : problem_(&problem) {}
  /// \param q  [n_rows]; V = sum pi Q
  Critic(const Problem& problem, std::vector<double> q);

  [[nodiscard]] double q(std::int64_t t, Offset row) const {
    if (!q_.empty()) return q_[at(row)];
    return problem_->cost()[at(row)] + problem_->mdp().discount() * problem_->stages().next_mean(t)[at(row)];
  }
  [[nodiscard]] double value(std::int64_t t, State s) const {
    return value_.empty() ? problem_->stages().values(t)[at(s)] : value_[at(s)];
  }
  [[nodiscard]] double next_mean(std::int64_t t, Offset row) const {
    return next_mean_.empty() ? problem_->stages().next_mean(t)[at(row)] : next_mean_[at(row)];
  }

 private:
  const Problem* problem_;
  std::vector<double> q_, value_, next_mean_;
};

}  // namespace mdp::estimators
