// estimators/methods/critic_form.hpp — scores times the advantages of a critic (E1, critic form).
#pragma once

#include <cstddef>

#include "estimators/critic.hpp"
#include "estimators/problem.hpp"
#include "estimators/step.hpp"

namespace mdp::estimators {

/// sum gamma^t (dL_t + sigma^pi_t (Q_t(s_t,a_t) - V_t(s_t)) + gamma sigma^rho_{t+1} (V_{t+1}(s_{t+1}) - E[V_{t+1}|s_t,a_t])).
/// The record is 1, Gamma. With the exact critic unbiased, and of all variance only that of the states met is left.
struct CriticForm {
  static constexpr std::size_t size = 2;

  static void step(const Step& at, double* x) {
    x[1] += at.i.transition * (at.next_value - at.next_mean) * x[0];
    x[1] *= at.discount;
    x[1] += (at.i.cost + at.i.policy * (at.q - at.value)) * x[0];
  }
};

/// The critic learned from an independent batch (critic_trajectories, critic_seed). Moments are those given the critic.
struct LearnedCriticForm : CriticForm {
  static constexpr const char* meaning = "conditional on the critic";
};
/// Q(s,a) = mean of the returns to the end of the trajectory that followed (s,a) in the batch.
struct MonteCarloCriticForm : LearnedCriticForm {
  static Critic critic(const Problem& problem);
};
/// TD(lambda) with accumulating traces, steps 1 / (1 + visits so far)^0.8, one pass.
struct TdCriticForm : LearnedCriticForm {
  static Critic critic(const Problem& problem);
};
/// LSTD(lambda) on indicator features of (s,a); pairs that the batch never met have Q = 0.
struct LstdCriticForm : LearnedCriticForm {
  static Critic critic(const Problem& problem);
};

/// One-step actor-critic: T_t = L_t + gamma V_{t+1}(s_{t+1}) in place of Q_t, exact V. The record is 1, T, Gamma.
template <bool discounted>
struct ActorCriticForm {
  static constexpr std::size_t size = 3;

  static void step(const Step& at, double* x) {
    x[2] += at.i.transition * (x[1] - at.next_mean * x[0]);
    if (discounted) x[2] *= at.discount;
    x[1] = (at.cost + at.discount * at.next_value) * x[0];
    x[2] += at.i.cost * x[0] + at.i.policy * (x[1] - at.value * x[0]);
  }
};
using ActorCritic = ActorCriticForm<true>;
/// Without gamma^t: states are weighted by their undiscounted occupancy, a bias of
/// sum_t (1 - gamma^t) E[sigma_t A_t] (E5, state-distribution mismatch).
using ActorCriticUndiscounted = ActorCriticForm<false>;

/// sum gamma^k (dL_k + L_k sigma_k): immediate effects only. Wrong on purpose. The record is 1, L, Gamma.
struct PerStepScore {
  static constexpr std::size_t size = 3;

  static void step(const Step& at, double* x) {
    x[2] += at.i.transition * x[1];
    x[2] *= at.discount;
    x[1] = at.cost * x[0];
    x[2] += at.i.cost * x[0] + at.i.policy * x[1];
  }
};

}  // namespace mdp::estimators
