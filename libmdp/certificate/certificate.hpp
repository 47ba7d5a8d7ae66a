// libmdp/certificate/certificate.hpp — what a certificate says, as a struct and as a file. Internal: needs GMP.
#pragma once

#include <string>
#include <vector>

#include <gmpxx.h>

#include "libmdp/io/exact_model.hpp"
#include "libmdp/io/extended.hpp"
#include "libmdp/policy.hpp"

namespace mdp::certificate {

using io::Extended;
using Values = std::vector<Extended>;

/// A natural number per state that decreases along some rows; -1 = the state has none.
using Rank = std::vector<std::int64_t>;

/// The claim, and the evidence from which check() derives it; docs/certificates.md has the conditions. Numbers are minimised:
/// a file's rewards have the sign turned. In the file, values are in the sense of the model's file.
struct Certificate {
  std::string model_sha256;  ///< model_sha256() of the model
  std::string criterion;     ///< discounted, finite, total, goal, reach, average
  std::string improper;      ///< goal: infinite or excluded
  std::string level;         ///< exact or certified
  Objective objective = Objective::minimize;
  mpq_class discount = 1;    ///< discounted, finite
  std::int64_t horizon = 0;  ///< finite
  Values terminal;           ///< finite: [n_states]

  /// [n_rows] or empty: probabilities of the policy whose value is claimed, sum 1 in each state; then everything below is about
  /// policy_chain(), whose states behind those of the model carry no claim. Empty: the claim is about V*.
  std::vector<mpq_class> evaluated_policy;

  /// The claim: lower <= V* <= upper, one vector per stage (finite: horizon + 1) or a single one; for `average` of the gain, for
  /// `reach` minus the probability where the file maximises. Equal at level exact.
  std::vector<Values> lower, upper;
  std::vector<Policy> policy;  ///< one per stage (finite: horizon), or a single one: attains `evidence_upper`

  /// Bounds at least as good as the claim that have the inductive properties; empty = the claim itself.
  std::vector<Values> evidence_lower, evidence_upper;
  Rank dead_rank;                           ///< states from which every policy may meet an inadmissible row
  Rank policy_rank;                         ///< the policy moves towards where it ends
  Rank row_rank;                            ///< every row moves towards the goal
  Rank infinite_rank;                       ///< states of value +inf, by when a policy would have to give up
  Rank no_gain_rank;                        ///< total: no cost < 0 for ever
  Rank no_pay_rank;                         ///< total: no cost > 0 for ever
  Rank rest_rank;                           ///< total: no cost-free rest where the lower bound is above 0
  Rank loop_rank;                           ///< states of value -inf: distance to the loop that makes it
  std::vector<std::int64_t> in_loop;        ///< [n_states] 1 = in that loop
  Policy proper_policy;                     ///< goal: for states of value -inf, a policy that reaches the goal
  Values loop_potential;                    ///< goal: decreases along the loop
  Values potential_lower, potential_upper;  ///< average: h beside each bound of the gain; the second empty = the first
};

/// A name for the MDP meant: SHA-256 of a text of its objective, rows and goal states in lowest terms (names, initial
/// distribution and discount left out).
[[nodiscard]] std::string model_sha256(const io::ExactModel& model);

/// \throws OutputError.
void write_certificate(const std::string& path, const Certificate& certificate);
/// \param model  whose states and rows the vectors are as long as
/// \throws InputError for a file that is no certificate, naming the entry: a key that is missing, a vector of wrong length.
[[nodiscard]] Certificate read_certificate(const std::string& path, const io::ExactModel& model);

}  // namespace mdp::certificate
