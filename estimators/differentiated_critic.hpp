// estimators/differentiated_critic.hpp — a critic and its derivatives by the parameters (theory.md, E3).
#pragma once

#include <memory>

#include "estimators/critic.hpp"
#include "estimators/parameters.hpp"
#include "estimators/problem.hpp"
#include "estimators/stage_derivatives.hpp"

namespace mdp::estimators {

/// Q, V and their derivatives along any direction, which obey Bellman equations of their own (D1, D4).
class DifferentiatedCritic {
 public:
  DifferentiatedCritic() = default;
  DifferentiatedCritic(const DifferentiatedCritic&) = delete;
  DifferentiatedCritic& operator=(const DifferentiatedCritic&) = delete;
  virtual ~DifferentiatedCritic() = default;

  [[nodiscard]] virtual Critic critic() const = 0;
  /// dQ and dV; linear in u.
  [[nodiscard]] virtual ValueDerivatives along(const Direction& u) const = 0;
};

/// Exact, stage by stage. \param problem  must outlive the result
[[nodiscard]] std::unique_ptr<const DifferentiatedCritic> exact_differentiated_critic(const Problem& problem);

/// LSTD(lambda) on indicator features of (s,a), from the batch of the critics (critic_trajectories, critic_seed). Q solves
///     sum_t z_t (L_t + gamma Q(s_{t+1},a_{t+1}) - Q(s_t,a_t)) = 0,   z_t = gamma lambda z_{t-1} + phi(s_t,a_t),
/// and dQ, from the same transitions, traces and matrix, the equation of the derivative,
///     sum_t z_t (dL_t + gamma [sigma^rho_{t+1} V(s_{t+1}) + sum_a pi sigma^pi Q(s_{t+1},a) + dQ(s_{t+1},a_{t+1})] - dQ(s_t,a_t)) = 0,
/// V = sum pi Q, dV = sum pi (sigma^pi Q + dQ). Trajectories end in 0; pairs that the batch never met have Q = dQ = 0.
/// Dense: O(n_rows^3), for derivatives n_rows n_transitions doubles. \param problem  must outlive the result
/// \throws InvalidArgument for more than 3000 pairs or, if `with_derivatives`, 2e7 pairs times transitions
[[nodiscard]] std::unique_ptr<const DifferentiatedCritic> lstd_critic(const Problem& problem, bool with_derivatives);

}  // namespace mdp::estimators
