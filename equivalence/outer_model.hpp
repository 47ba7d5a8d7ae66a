// equivalence/outer_model.hpp — least-squares models of what learners minimise: Gauss and Newton's outer steps.
#pragma once

#include <span>

#include "equivalence/tune.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/gauss_newton_step.hpp"
#include "solvers/in_real_gradient.hpp"
#include "solvers/parametric.hpp"

namespace mdp::equivalence {

/// J of the world under the model's soft policy. The second Gauss-Newton matrix of Furmston and Barber (2012),
///     sum_s d(s) kappa(s) E_pi[s s^T],  s = d log pi/dtheta,  kappa(s) = max_a |A(s,a)|,
/// the Hessian less what differentiates Q, for the baseline V + kappa that makes it positive: residuals
/// sqrt(d pi/kappa) A, rows sqrt(d pi kappa) d log pi/dtheta (D4). A step moves no logit by more than 1 if the family can do as
/// it wants, however saturated the policy is: longer ones are worth trying.
/// \param at  in_real_gradient() of the model there. Cost: one solve for every free parameter.
[[nodiscard]] solvers::LeastSquaresModel performance_model(const Mdp& world, const solvers::ParametricMdp& family,
                                                           std::span<const double> theta,
                                                           const solvers::InRealGradient& at,
                                                           std::span<const char> free);

/// (1/2n) sum Delta^2 (T9): residuals Delta/sqrt(n), rows dDelta/dtheta/sqrt(n); exact where entries are linear in theta.
[[nodiscard]] solvers::LeastSquaresModel defect_model(const Mdp& world, const solvers::SolveResult& world_solution,
                                                      const solvers::ParametricMdp& family,
                                                      std::span<const double> theta, std::span<const char> free,
                                                      int threads);

/// - mean log-likelihood of the samples that the model has transitions for: residuals -sqrt(c/n), rows sqrt(c/n) d log p/dtheta (Fisher's scoring).
[[nodiscard]] solvers::LeastSquaresModel likelihood_model(const solvers::ParametricMdp& family,
                                                          std::span<const double> theta, const TransitionCounts& data,
                                                          std::span<const char> free);

}  // namespace mdp::equivalence
