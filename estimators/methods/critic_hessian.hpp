// estimators/methods/critic_hessian.hpp — the actor-critic condition differentiated, with differentiated critics (E3).
#pragma once

#include <cstddef>
#include <memory>

#include "estimators/differentiated_critic.hpp"
#include "estimators/step.hpp"

namespace mdp::estimators {

/// E sum gamma^t sigma_t A_t = 0 differentiated by a second parameter, the occupancy of the states included:
///     sum_t gamma^t [(sigma sigma^T + d2 log pi)(s_t,a_t) A_t + sigma_t (dQ_t - dV_t)^T + sigma_t A_t S_t^T],
/// A = Q - V, sigma that of the policy's logits (the first parameter), dQ and dV by the second one, S_t = sum_{k<t} sigma^pi_k +
/// sum_{k<=t} sigma^rho_k the score of s_t. With exact critics unbiased; at an optimum of all states (tabular softmax with entropy)
/// A = 0 and sigma_t dQ_t^T is all that is left (D7). Not symmetric. The record: 1, Gamma_i, H.
struct CriticHessian {
  static constexpr std::size_t size = 3;
  enum { one, gamma_i, h };

  static std::unique_ptr<const DifferentiatedCritic> differentiated_critic(const Problem& problem) {
    return exact_differentiated_critic(problem);
  }
  static void step(const Step& at, double* x) {
    x[h] += at.j.transition * x[gamma_i];
    x[gamma_i] *= at.discount;
    x[h] *= at.discount;
    x[h] += at.j.policy * x[gamma_i];
    const double advantage = at.q - at.value;
    x[h] += (at.i.policy * at.j.policy + at.ij.policy) * advantage * x[one];
    x[h] += at.i.policy * (at.d_q - at.d_value) * x[one];
    x[gamma_i] += at.i.policy * advantage * x[one];
  }
};

/// Q, V, dQ and dV learned by LSTD from one independent batch. Moments are those given the critics.
struct LstdCriticHessian : CriticHessian {
  static constexpr const char* meaning = "conditional on the critic";

  static std::unique_ptr<const DifferentiatedCritic> differentiated_critic(const Problem& problem) {
    return lstd_critic(problem, true);
  }
};

}  // namespace mdp::estimators
