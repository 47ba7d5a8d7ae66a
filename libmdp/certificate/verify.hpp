// libmdp/certificate/verify.hpp — is a certificate right? By code that shares nothing with the solvers.
#pragma once

#include <string>

#include "libmdp/io/read.hpp"

namespace mdp::certificate {

/// What the checker found.
struct Verification {
  bool accepted = false;
  std::string criterion, level;  ///< as claimed
  std::string discount;          ///< as claimed, "9/10"; empty where the criterion has none
  bool of_policy = false;        ///< the claim is about the value of a policy, not V*
  std::int64_t horizon = -1;     ///< as claimed; -1 where the criterion has none
  std::string model_sha256;      ///< of the model
  std::string condition;         ///< the first that does not hold; empty if accepted
  std::string where;             ///< state and action of it, or empty
};

/// Reads the model exactly and checks every condition of docs/certificates.md in integers and rationals.
/// \param discount  in place of the file's, as written; empty = the file's
/// \throws InputError if either file is malformed; InvalidOption.
[[nodiscard]] Verification verify_certificate(const std::string& model_path, const io::ReadOptions& options,
                                              const std::string& discount, const std::string& certificate_path);

/// SHA-256 of the MDP that a file means, 64 hexadecimal digits: of a text of its objective, rows and goal states in lowest
/// terms (names, initial distribution and discount left out). \throws InputError, InvalidOption.
[[nodiscard]] std::string model_sha256_of(const std::string& model_path, const io::ReadOptions& options);

}  // namespace mdp::certificate
