// solvers/solve.hpp — V*, an optimal policy and their bounds, by the method that suits the MDP.
#pragma once

#include "libmdp/mdp.hpp"
#include "solvers/options.hpp"
#include "solvers/result.hpp"

namespace mdp::solvers {

/// Solves the discounted criterion:  V*(s) = min_a L(s,a) + gamma sum_s' P(s'|s,a) V*(s').
///
/// Method::automatic takes policy iteration with sparse LU for MDPs that are small or whose transition graph is
/// narrow (an estimate of the fill decides), modified policy iteration for the others; the result says which
/// and why. At level certified the enclosure contains V* of the MDP meant, rounding and row sums included
/// (theory.md C1, C2); where doubles do not reach the tolerance the residual is evaluated in twice the
/// precision, and Status::precision_limit says if that does not either.
///
/// \throws InvalidOption   an option out of range; level exact
/// \throws InvalidArgument discount 1 (the criterion needs gamma < 1); a start vector of wrong length
[[nodiscard]] SolveResult solve(const Mdp& mdp, const SolveOptions& options = {});

}  // namespace mdp::solvers
