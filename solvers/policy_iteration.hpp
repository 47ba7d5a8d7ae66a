// solvers/policy_iteration.hpp — evaluate a policy, improve it, repeat.
#pragma once

#include "libmdp/mdp.hpp"
#include "solvers/options.hpp"
#include "solvers/result.hpp"

namespace mdp::solvers {

/// Howard's policy iteration. A state changes its action only where the new one is better by more than the
/// proved rounding error of the comparison: every change lowers the value of the policy in exact arithmetic, so
/// no policy comes back, among ties neither. Source: Howard (1960); Puterman (2005), section 6.4.
/// SolveOptions::linear_solver says how a policy is evaluated. \throws as solve().
[[nodiscard]] SolveResult policy_iteration(const Mdp& mdp, const SolveOptions& options = {});

/// Modified policy iteration: between two sweeps over all rows, sweeps of the greedy policy's own chain, until
/// its residual has shrunk by a factor or the work of a few full sweeps is spent; where the chain converges slowly,
/// preconditioned BiCGSTAB instead. Source: Puterman and Shin (1978). \throws as solve().
[[nodiscard]] SolveResult modified_policy_iteration(const Mdp& mdp, const SolveOptions& options = {});

}  // namespace mdp::solvers
