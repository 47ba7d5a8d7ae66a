// libmdp/certificate/check.hpp — the independent checker of certificates. Internal: needs GMP.
#pragma once

#include <optional>
#include <string>

#include "libmdp/certificate/certificate.hpp"

namespace mdp::certificate {

/// The first condition that does not hold, for people.
struct Violation {
  std::string condition;  ///< e.g. "inductive lower bound"
  std::string where;      ///< e.g. "state 3, action 1"; empty if it is about the whole
};

/// Whether the evidence proves the claim for this model; nothing if it does. Shares no code with the solvers or the graph
/// algorithms: comparisons of rationals and of natural numbers, row by row. The conditions, with their proofs, stand
/// in docs/certificates.md and above each function of the implementation.
/// A claim about the value of a policy is checked on the chain of the policy, made here (policy_chain()).
/// Cost: a few passes over the rows.
[[nodiscard]] std::optional<Violation> check(const io::ExactModel& model, const Certificate& certificate);

}  // namespace mdp::certificate
