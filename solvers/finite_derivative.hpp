// solvers/finite_derivative.hpp — derivatives of the optimal sum over N stages (theory.md, D2 in reverse).
#pragma once

#include "libmdp/mdp.hpp"
#include "solvers/criterion.hpp"
#include "solvers/derivative.hpp"

namespace mdp::solvers {

/// The gradient of rho0^T V_0, V_k = min_a L + gamma P V_{k+1} backwards from V_N, the terminal cost; entries are the same at
/// every stage. `solution` is that of Criterion::finite. With lambda_0 = rho0 and rho_k = lambda_k on the rows taken at stage k,
///     d/dL = sum_k rho_k,  d/dP(s') = gamma sum_k rho_k V_{k+1}(s'),  d/dgamma = sum_k rho_k E V_{k+1},
///     lambda_{k+1} = gamma P^T rho_k.
/// Refused at ties: in a state that an optimal policy visits at some stage, actions which the bounds on the stages' values do
/// not tell apart. The adjoint of the result is sum_k lambda_k, discounted visits.
/// Bounds. |V_k - its value| <= E_k, E_N = 0, E_k = gamma E_{k+1} + the residual of stage k + bounds::sweep_error; lambda's
/// errors in 1-norm are those of its sums and entries.
/// \throws InvalidArgument if the solution does not fit the MDP; InvalidOption. Cost: three passes over the transitions per
/// stage; memory one pass' worth, whatever N.
[[nodiscard]] OptimumGradient finite_optimum_gradient(const Mdp& mdp, const CriterionResult& solution,
                                                      const DerivativeOptions& options = {});

}  // namespace mdp::solvers
