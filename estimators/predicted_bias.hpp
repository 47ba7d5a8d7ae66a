// estimators/predicted_bias.hpp — the bias of each biased estimator by the formula that theory states for it (E5).
//
// Sums over stages of occupancies and values: nothing of the recursions that give an estimator's moments is used, so
// "exact mean - truth equals the predicted bias" is a check of both.
#pragma once

#include <vector>

#include "estimators/critic.hpp"
#include "estimators/differentiated_critic.hpp"
#include "estimators/estimator.hpp"

namespace mdp::estimators {

/// Critic error: sum gamma^t E[sigma^pi_t (Q' - Q_t) + gamma sigma^rho_{t+1} (V' - V_{t+1})]. [targets.rows.size()]
[[nodiscard]] std::vector<double> critic_bias(const Problem& problem, const Targets& targets, const Critic& critic);
/// State weighting: the terms of the gradient times 1 - gamma^t in place of gamma^t.
[[nodiscard]] std::vector<double> state_weighting_bias(const Problem& problem, const Targets& targets);
/// Immediate effects only: minus the part of every Q_t (of every V_{t+1}) that comes after the step itself.
[[nodiscard]] std::vector<double> per_step_score_bias(const Problem& problem, const Targets& targets);
/// Missing cross terms: -(H_12 + H_12^T), H_12 = sum gamma^k E[sigma_k (dQ_k)^T]. [rows * columns], logits of the policy.
[[nodiscard]] std::vector<double> cross_term_bias(const Problem& problem, const Targets& targets);
/// Errors of the critics of the differentiated actor-critic condition: with e = Q' - Q_t, de = dQ' - dQ_t by column j, m_t =
/// P(s_t, a_t) and <.> the average over pi, sum gamma^t [dm_t (e - <e>) + m_t (de - d<e>)], the derivative of the first formula
/// above. [rows * columns], rows logits of the policy.
[[nodiscard]] std::vector<double> critic_hessian_bias(const Problem& problem, const Targets& targets,
                                                      const DifferentiatedCritic& critic);

}  // namespace mdp::estimators
