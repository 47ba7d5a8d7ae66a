// solvers/exact/write_certificate.hpp — a file that proves an answer to an independent checker.
#pragma once

#include <string>

#include "solvers/exact/exact.hpp"

namespace mdp::solvers {

/// Writes a certificate (docs/certificates.md) for the answer of solve_exactly(), or of solve_criterion() at level certified.
///
/// An exact answer is its own evidence. A certified one is claimed with its enclosure, and the exact answer, computed here, is
/// the evidence; where that is too large, `discounted` is certified by the residual of its values in rationals
/// (the enclosure claimed is then the one that this proves), and the other criteria have no certificate.
/// Returns "" or, where nothing was written, why: the answer is not converged, or exact evidence is needed and too large.
/// \throws OutputError.
[[nodiscard]] std::string write_certificate(const std::string& path, const ExactMdp& mdp, const ExactResult& result,
                                            const ExactLevelOptions& options);

/// The same for an answer of evaluate_exactly() or evaluate_criterion(): a claim about the value of the policy, checked on its chain.
/// \param policy_path  the policy file that was evaluated. \throws OutputError, InputError.
[[nodiscard]] std::string write_certificate(const std::string& path, const ExactMdp& mdp,
                                            const std::string& policy_path, const ExactResult& result,
                                            const ExactLevelOptions& options);

}  // namespace mdp::solvers
