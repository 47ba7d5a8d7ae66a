// estimators/composed.hpp — derivatives of the policy's optimum by plugging sampled Hessians in (theory.md, E4).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "estimators/hessian_source.hpp"
#include "estimators/judgement.hpp"
#include "estimators/sensitivity.hpp"

namespace mdp::estimators {

/// H' and M' are means over the n trajectories of an estimate, g' the mean of causal gradients over n of the world. The first
/// four take causal Hessians (E2); all are ratios, biased by O(1/n) but for the jackknife. The last two take the differentiated
/// actor-critic condition (E3, CriticHessian): far less variance, and with learned critics a bias that stays.
enum class ComposedForm {
  plug_in,       ///< S' = -H'^-1 M'
  ridge,         ///< -(H'^2 + r^2)^-1 H' M', r^2 = |H'|_F^2 / n
  jackknife,     ///< G S' - (G-1) mean of the S' without one of G = 10 parts of the data: no O(1/n) bias
  split,         ///< H' from one half of the trajectories, M' from the other
  critic_exact,  ///< S' with exact Q, V and their derivatives
  critic_lstd    ///< S' with Q, V and their derivatives learned by LSTD from one batch
};

/// In the order of the enumeration: plug-in, plug-in-ridge, plug-in-jackknife, plug-in-split, critic-sensitivity-exact,
/// critic-sensitivity-lstd.
[[nodiscard]] const std::vector<std::string>& composed_names();

/// The estimator of second derivatives that a form plugs in. \param problem  must outlive the result
[[nodiscard]] std::unique_ptr<const HessianSource> hessian_source(const Problem& problem, ComposedForm form);

/// What H' and M' tend to: E h, and with it S and the world gradient. s itself for causal Hessians. With critics the means are
/// those given the critics. \throws InvalidArgument if E H' is singular
[[nodiscard]] Sensitivity limit_of(const Sensitivity& s, const HessianSource& source, ComposedForm form);

/// Moments by the delta method, of ONE trajectory as Var ~ `variance` / n, bias ~ `bias_times_n` / n about the limit. With
/// w_j = (S_j, e_j), the direction in which theta_j moves policy and model together, and a = -H^-1 e_i (entry i of S) or the
/// adjoint -H^-1 dJ_world/dnu (world gradient), the influence of a trajectory with Hessian h is h[a, w_j]: E = 0, and
///     variance    Var h[a, w_j]                                         (+ Var of the world's causal gradient along S_j),
///     bias        -sum_k Cov(h[a, e_k], h[H^-1 e_k, w_j]),
///     ridge       the same, bias - |H|_F^2 (H^-2 S)_ij,
///     jackknife   the same, bias 0,
///     split       2 (Var h[a, (S_j, 0)] + Var h[a, (0, e_j)]) and -2 sum_k Cov(h[a, e_k], h[H^-1 e_k, (S_j, 0)]),
/// H and S those of limit_of(). Proof: (H + D) S' = -(M + E) gives S' - S = -H^-1 (D S + E) + H^-1 D H^-1 (D S + E) +
/// O(|D|^3). Each is a second-moment recursion of one or two Hessians along directions (X2). Empty where they take more than
/// `max_products`.
[[nodiscard]] ExactMoments delta_moments(const Sensitivity& s, ComposedForm form, double max_products);

/// sqrt(E |H^-1 (h - H)|_F^2): divided by sqrt(n), the parameter in which the delta method expands. Where it is not
/// small, the estimates are far from their limit law. \param limit  limit_of()
[[nodiscard]] double relative_noise(const Sensitivity& limit, const HessianSource& source);

/// Samples all of `forms` from the same trajectories and compares. Forms that an interruption left without any are dropped. The truth is Sensitivity::policy_derivative() or, with a
/// world, total(). z-scores are judged where relative_noise() / sqrt(n) <= 1/10 and the delta bias is known.
/// \throws InvalidOption: fewer than 20 trajectories.
[[nodiscard]] std::vector<Judgement> judge_composed(const Sensitivity& s, std::span<const ComposedForm> forms,
                                                    const JudgementOptions& options);

}  // namespace mdp::estimators
