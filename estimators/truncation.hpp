// estimators/truncation.hpp — what a finite horizon leaves out (theory.md, E5).
#pragma once

#include <cstdint>
#include <span>

#include "libmdp/mdp.hpp"

namespace mdp::estimators {

/// J_N = E sum_{k<N} gamma^k L_k and its limit J; dJ is the partial derivative with respect to any one logit of a tabular
/// softmax policy. +inf for discount 1.
struct TruncationBounds {
  double performance = infinity;  ///< >= |J - J_N|
  double gradient = infinity;     ///< >= |dJ - dJ_N|
};

/// E5, with alpha = P(s_N is not final) (final_states.hpp: V = 0 and dV = 0 there) and sp L = max L - min L:
///     |J - J_N|   <= alpha gamma^N max |L| / (1 - gamma),
///     |dJ - dJ_N| <= gamma^N / (1 - gamma) * min{ sp L / 4 (N + 1/(1 - gamma)),
///                                                 alpha (N max |L| + sp L / (4 (1 - gamma))) }.
/// Proof: J - J_N = gamma^N E V(s_N), so dJ - dJ_N = gamma^N (sum_{t<N} E sigma_t V(s_N) + E dV(s_N)).
/// dV = d pi A^pi with sum d = 1/(1 - gamma), and pi |A^pi| <= pi (1 - pi) sp Q^pi <= sp L / (4 (1 - gamma)), bounds the
/// second term, times alpha since dV = 0 in final states. The first: |sigma_t| <= 1, and V(s_N) is at most
/// max |L| / (1 - gamma) and 0 in final states; or, since E sigma_t = 0, V may be centred, |V| <= sp L / (2 (1 - gamma)),
/// with E |sigma_t| <= 2 pi (1 - pi) <= 1/2.
///
/// Rounded outward. O(N n_transitions). Inadmissible rows apart: the policy must not meet them.
[[nodiscard]] TruncationBounds truncation_bounds(const Mdp& mdp, std::span<const double> stochastic_policy,
                                                 std::int64_t horizon, int threads = 0);

}  // namespace mdp::estimators
