// equivalence/policy_equivalence.hpp — has every stationary policy the same value in two MDPs? Level E2, in rationals (internal; needs
// GMP, is not installed).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "equivalence/levels.hpp"
#include "libmdp/io/exact_model.hpp"

namespace mdp::equivalence {

struct PolicyEquivalence {
  Verdict holds = Verdict::undecided;
  std::int64_t state = -1;            ///< no: V^pi differs here
  std::vector<std::int64_t> weights;  ///< no: [n_rows] of a policy that shows it, not divided by their sums
  std::int64_t n_indifferent = 0;     ///< yes: states whose actions never matter (the set I below)
  std::string reason;
  double difference = 0.0;  ///< no: |V^pi - V^^pi| there, rounded down
};

/// Decides E2, in polynomial time where costs are finite. With f_a(V) = V(s) - gamma P_a V - L_a for the action a of state s, f^_a for the model, and I the
/// states whose action changes no V^pi:
///
/// Theorem. Let costs be finite, fix any action in each state of I and eliminate V_I by f = 0 (V_I = B V_N + b, N the other states).
/// Every stationary policy, randomised ones included, has the same value in both MDPs iff, as affine functions of V_N,
///     f^_a = kappa_s f_a   for all actions a of s, with one number kappa_s, for each s in N;   f^_a = 0  for each s in I.
/// Proof and the computation of I: docs/levels.md. Rows that must cost infinity are compared by the graph before, and policies that may
/// meet one by compare_infinite_policies().
///
/// \param world, model  same shape, both discounts below 1
/// Verdict undecided only where that search is over its time. Cost: some exact policy evaluations; where E2 holds and is not plain from the rows, one for each
/// state of N, and O(n_rows n_states) rational operations.
[[nodiscard]] PolicyEquivalence decide_policy_equivalence(const io::ExactModel& world, const io::ExactModel& model,
                                                          double time_limit_seconds = infinity);

}  // namespace mdp::equivalence
