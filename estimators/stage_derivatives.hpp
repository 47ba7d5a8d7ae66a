// estimators/stage_derivatives.hpp — exact first and second derivatives of the N-stage objective, no sampling.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "estimators/parameters.hpp"
#include "estimators/problem.hpp"

namespace mdp::estimators {

/// dJ_N by every parameter: with d_t the probabilities of s_t, Q_t and V_t the stage values (E1, critic form),
///     by a policy logit     sum_t gamma^t d_t(s) pi(a|s) (Q_t(s,a) - V_t(s)),
///     by a transition logit sum_{t<N-1} gamma^{t+1} d_t(s) pi(a|s) p(s') (V_{t+1}(s') - E[V_{t+1}|s,a]),
///     by a cost             sum_t gamma^t d_t(s) pi(a|s).
/// O(N n_transitions) for all of them together.
struct StageGradient {
  std::vector<double> policy_logit;       ///< [n_rows]
  std::vector<double> probability_logit;  ///< [n_transitions]
  std::vector<double> cost;               ///< [n_rows]

  [[nodiscard]] double of(const Parameter& p) const;
  [[nodiscard]] double along(const Direction& u) const;
};

[[nodiscard]] StageGradient stage_gradient(const Problem& problem);

/// Derivatives of Q_t and V_t along one direction: of every stage, or the same ones for all stages.
struct ValueDerivatives {
  std::vector<double> q;      ///< [N * n_rows], or [n_rows]
  std::vector<double> value;  ///< [(N+1) * n_states], or [n_states]
  std::size_t n_rows = 0;     ///< from one stage to the next; 0: the same for all stages
  std::size_t n_states = 0;

  [[nodiscard]] double q_of(std::int64_t t, Offset row) const {
    return q[static_cast<std::size_t>(t) * n_rows + static_cast<std::size_t>(row)];
  }
  [[nodiscard]] double value_of(std::int64_t t, State s) const {
    return value[static_cast<std::size_t>(t) * n_states + static_cast<std::size_t>(s)];
  }
};

/// dQ_t = dL + gamma d(E V_{t+1}), dV_t = sum pi (sigma Q_t + dQ_t), dV_N = 0. O(N n_transitions).
[[nodiscard]] ValueDerivatives stage_value_derivatives(const Problem& problem, const Direction& u);

/// [N * n_states] derivative of P(s_t = s) along u. O(N n_transitions).
[[nodiscard]] std::vector<double> stage_occupancy_derivative(const Problem& problem, const Direction& u);

/// The derivative of stage_gradient() along u: a row of the Hessian contracted with u. Both recursions differentiated,
/// forward in d_t and backward in V_t. O(N n_transitions).
[[nodiscard]] StageGradient stage_gradient_derivative(const Problem& problem, const Direction& u);

/// [n_rows] sum_t gamma^t E[sigma_t(row) dQ_t(s_t, a_t)] for every policy logit, dQ along u: a column of H_12 (E2, LVC).
[[nodiscard]] std::vector<double> score_times_q_derivative(const Problem& problem, const Direction& u);

/// d2J_N, [rows.size() * columns.size()] row by row: one stage_gradient_derivative() per row, in parallel.
[[nodiscard]] std::vector<double> stage_hessian(const Problem& problem, std::span<const Parameter> rows,
                                                std::span<const Parameter> columns);

}  // namespace mdp::estimators
