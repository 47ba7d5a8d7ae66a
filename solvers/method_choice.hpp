// solvers/method_choice.hpp — which method suits an MDP, and why (internal).
#pragma once

#include <memory>
#include <string>
#include <vector>

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

/// Whether elimination within the profile of an order is cheap (kernels::ProfileLu), in which order, and the reason in words:
/// the states' own order where its transitions are short, else that of a breadth-first search.
struct ProfileVerdict {
  bool cheap = false;
  double work = 0.0;  ///< of one factorisation and a solution, in entries that a sweep could read instead
  std::vector<State> order;
  std::string why;
};

/// Cheap means: no more operations than other methods may read entries, or the graph is far longer than wide.
/// \param work_otherwise  entries that other methods read where they are at their best
/// \param max_bytes       that the factors may take
[[nodiscard]] ProfileVerdict judge_profile(const kernels::PolicyChain& chain, double work_otherwise, double max_bytes,
                                           int threads);

/// Policy iteration for SolveOptions::linear_solver; `automatic` is decided by judge_sparse_lu() on a policy
/// without a pattern. With `or_modified`, modified policy iteration where sparse LU is dear, and before it for as
/// long as a few factorisations would take.
[[nodiscard]] std::unique_ptr<Improver> make_policy_iteration(const Mdp& mdp, const SolveOptions& options,
                                                              bool or_modified);
/// Method::automatic: Howard's policy iteration for small MDPs; else modified policy iteration, which most models that
/// mix need no more than. Where the rate that it measures promises no end soon: with absorbing states, OrderedPolicyIteration;
/// then inexact policy iteration. Where judge_profile() finds elimination cheap, DirectPolicyIteration before that; where
/// judge_sparse_lu() finds sparse LU cheap, inexact policy iteration with it; the others have less patience then. Of one policy, without
/// cheap factors, BiCGSTAB before inexact policy iteration: nothing is to be improved.
[[nodiscard]] std::unique_ptr<Improver> make_automatic(const Mdp& mdp, const SolveOptions& options);

/// The improver for an MDP with one row per state.
[[nodiscard]] std::unique_ptr<Improver> make_evaluator(const Mdp& chain, const SolveOptions& options);

}  // namespace mdp::solvers
