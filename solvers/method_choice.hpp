// solvers/method_choice.hpp — which method suits an MDP, and why (internal).
#pragma once

#include <memory>
#include <string>

#include "libmdp/kernels/policy_chain.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/iterate.hpp"
#include "solvers/options.hpp"

namespace mdp::solvers {

/// Whether sparse LU of a policy's system is cheap, and the reason in words.
struct LuVerdict {
  bool cheap = false;
  double work = 0.0;  ///< of one factorisation, in entries that a sweep could read instead
  std::string why;
};

/// Small chains: yes. Others: the widest level of a breadth-first search bounds the bandwidth after reordering; where
/// that is small, the ordering of the factorisation estimates the fill. O(n_transitions) where it is not.
/// \param max_bytes  that the factors may take
[[nodiscard]] LuVerdict judge_sparse_lu(const kernels::PolicyChain& chain, double max_bytes = infinity);

/// Policy iteration for SolveOptions::linear_solver; `automatic` is decided by judge_sparse_lu() on a policy
/// without a pattern. With `or_modified`, modified policy iteration where sparse LU is dear, and before it for as
/// long as a few factorisations would take.
[[nodiscard]] std::unique_ptr<Improver> make_policy_iteration(const Mdp& mdp, const SolveOptions& options,
                                                              bool or_modified);
/// Method::automatic: Howard's policy iteration for small MDPs; else modified policy iteration, which most models that
/// mix need no more than. Where the rate that it measures promises no end soon: with absorbing states, OrderedPolicyIteration;
/// then inexact policy iteration. Where judge_sparse_lu() finds sparse LU cheap, the others have less patience.
[[nodiscard]] std::unique_ptr<Improver> make_automatic(const Mdp& mdp, const SolveOptions& options);

/// The improver for an MDP with one row per state.
[[nodiscard]] std::unique_ptr<Improver> make_evaluator(const Mdp& chain, const SolveOptions& options);

}  // namespace mdp::solvers
