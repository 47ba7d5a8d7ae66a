// estimators/truncation.hpp — what a finite horizon leaves out (theory.md, E5).
#pragma once

#include <cstdint>

#include "libmdp/mdp.hpp"

namespace mdp::estimators {

/// E5: |J - J_N| <= gamma^N max |L| / (1 - gamma), J_N = E sum_{k<N} gamma^k L_k and J its limit, under any policy.
/// +inf for discount 1. Inadmissible rows apart: the policy must not meet them.
[[nodiscard]] double return_truncation_bound(const Mdp& mdp, std::int64_t horizon);

/// Its derivative form, for the partial derivative with respect to any one logit of a tabular softmax policy:
///     |dJ - dJ_N| <= gamma^N (max L - min L) / (4 (1 - gamma)) * (N + 1/(1 - gamma)).
/// Proof: J - J_N = gamma^N E V(s_N), so dJ - dJ_N = gamma^N (sum_{t<N} E sigma_t V(s_N) + E dV(s_N)). Adding a
/// constant to L changes neither side: |V| <= (max L - min L)/(2 (1 - gamma)). E|sigma_t| <= 2 pi (1 - pi) <= 1/2
/// bounds the first sum. dV = d pi A^pi with sum d = 1/(1 - gamma) and pi |A^pi| <= pi (1 - pi) sp(Q^pi) <=
/// (max L - min L)/(4 (1 - gamma)) bounds the second.
[[nodiscard]] double gradient_truncation_bound(const Mdp& mdp, std::int64_t horizon);

}  // namespace mdp::estimators
