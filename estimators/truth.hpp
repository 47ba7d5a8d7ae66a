// estimators/truth.hpp — the exact derivatives against which estimators are judged.
#pragma once

#include <vector>

#include "estimators/estimator.hpp"
#include "estimators/problem.hpp"

namespace mdp::estimators {

/// Of the N-stage objective, [targets.size()]; see stage_derivatives.hpp.
[[nodiscard]] std::vector<double> stage_truth(const Problem& problem, const Targets& targets);

/// Of the infinite-horizon objective, for discounts below 1.
struct InfiniteTruth {
  std::vector<double> value;          ///< [targets.size()]; empty: not computed
  double error_bound = not_computed;  ///< each entry; first derivatives by policy logits: rounding included
};

/// First derivatives: from one solve and one transposed solve (solvers::policy_gradient; values V and occupancy d of the
/// policy give d pi A, gamma d pi p (V(s') - E V) and d pi). Second ones: stage_truth() of a horizon M beyond which at most
///     gamma^M [(M^2 + M) K / (1-gamma) + 2 M (K + D) / (1-gamma)^2 + 3 (K + D) / (1-gamma)^3],
/// K = max |L + beta log pi|, D = max(1, beta), is left out, if M stages are affordable (`max_stages`).
/// Proof: J - J_M = gamma^M E V(s_M). Its second derivative is gamma^M E[(c c^T + dc) V + c dV^T + dV c^T + d2V], |c| <= M,
/// |dc| <= M since |sigma|, |d sigma| <= 1 a step; |V| <= K/(1-gamma), |dV| <= sum gamma^k (K (k+1) + D) and |d2V| <= sum
/// gamma^k (K ((k+1)^2 + k+1) + 2 D (k+1) + D).
[[nodiscard]] InfiniteTruth infinite_truth(const Problem& problem, const Targets& targets,
                                           std::int64_t max_stages = 20000);

}  // namespace mdp::estimators
