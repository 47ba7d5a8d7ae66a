// equivalence/infinite_policies.hpp — is every policy infinite at the same states of two MDPs? The graph part of level E2 (internal;
// needs GMP, is not installed).
#pragma once

#include <cstdint>
#include <vector>

#include "equivalence/levels.hpp"
#include "equivalence/policy_functionals.hpp"
#include "libmdp/io/exact_model.hpp"
#include "libmdp/types.hpp"

namespace mdp::equivalence {

struct InfinitePolicies {
  Verdict same = Verdict::undecided;  ///< undecided: the time was over
  std::int64_t state = -1;            ///< no: infinite here in one MDP, finite in the other, under the
  std::vector<std::int64_t> rows;     ///< no: [n_states] row of each state of this policy
};

/// Decides whether V^pi is infinite at the same states of both, for all policies. Deterministic policies suffice: a difference at s is a
/// set C of states that is closed under one row each of the MDP where s is finite, and from the last state of C a path of the other
/// MDP to an inadmissible pair that stays outside C; both use one action a state.
///
/// The question is NP-complete (docs/levels.md), so this is a search: C is grown row by row, cut back wherever no path can avoid it, where
/// every path takes a state that C needs, and ended by the largest closed set that leaves a path alone. Instances that are not built to
/// be hard are decided in the first step; the worst case is exponential.
///
/// \param hopeless  of both: rows on which no policy is finite
InfinitePolicies compare_infinite_policies(const io::ExactModel& world, const io::ExactModel& model,
                                           const HopelessPart& hopeless, double time_limit_seconds = infinity);

}  // namespace mdp::equivalence
