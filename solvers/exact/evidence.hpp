// solvers/exact/evidence.hpp — from an exact answer to the certificate that proves it (internal; needs GMP, not installed).
#pragma once

#include "libmdp/certificate/certificate.hpp"
#include "solvers/exact/exact_answer.hpp"

namespace mdp::solvers {

/// A claim of V* = `answer` with the ranks and potentials that check() asks for; see libmdp/certificate/certificate.hpp.
/// \param options  those of the solve: improper, horizon, terminal
[[nodiscard]] certificate::Certificate certificate_of(const io::ExactModel& model, const ExactAnswer& answer,
                                                      const ExactOptions& options);

/// Bounds for `discounted` of any size, from values near V* and a policy, by the residual in rationals (theory.md C2): with e no more
/// than min (TV - V)/(1 - gamma), V + e <= T (V + e); as well from above for the policy. V, e and f are dyadic.
[[nodiscard]] certificate::Certificate discounted_certificate(const io::ExactModel& model,
                                                              std::span<const double> values, const Policy& policy);

}  // namespace mdp::solvers
