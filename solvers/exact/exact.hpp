// solvers/exact/exact.hpp — the exact level: every criterion in rational arithmetic, on the MDP that a file means.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libmdp/io/read.hpp"
#include "solvers/criterion.hpp"

namespace mdp::io {
struct ExactModel;
}  // namespace mdp::io

namespace mdp::solvers {

struct ExactAnswer;

/// An MDP in rationals (theory.md, section 0, "Semantics of numbers"): text files as written, binary files as the dyadic
/// numbers they hold, rows divided by their exact sums. Immutable, cheap to copy.
class ExactMdp {
 public:
  /// What an Mdp in memory means. Numbers that a text reader kept to 106 bits are taken as those bits: read() keeps them all.
  explicit ExactMdp(const Mdp& mdp);
  /// A model in rationals, by those who have one.
  explicit ExactMdp(std::shared_ptr<const io::ExactModel> model) : model_(std::move(model)) {}
  /// \throws InputError, InvalidOption, as io::read_mdp().
  [[nodiscard]] static ExactMdp read(const std::string& path, const io::ReadOptions& options = {});

  /// The same with another discount, "0.99" or "99/100". \throws InvalidOption for no number in [0, 1].
  [[nodiscard]] ExactMdp with_discount(std::string_view discount) const;

  /// "9/10".
  [[nodiscard]] std::string discount_text() const;
  [[nodiscard]] const io::ExactModel& model() const noexcept { return *model_; }

 private:
  std::shared_ptr<const io::ExactModel> model_;
};

struct ExactLevelOptions {
  /// Limits, observer, horizon, terminal and improper are read; method, accuracy and start are not.
  CriterionOptions criterion = {};
  /// A JSON array, .npy or .npz of terminal costs in the sense of the file, taken exactly, in place of
  /// CriterionOptions::terminal; empty = none.
  std::string terminal_path = {};
  /// A linear system that is predicted to need more bytes or multiplications is refused. 0 = no limit. The memory limit of
  /// `criterion.solve`, or its default, counts too.
  double max_bytes = 8e9;
  double max_operations = 1e13;
};

/// As CriterionResult: values are the nearest doubles, value_lower and value_upper those on either side (equal where the value
/// is a double), the bounds of the error follow from them, policy_loss_bound is 0.
///
/// Where a limit or the observer stopped the run, level is certified and the values are those of the certified solver, which
/// runs first; where the model is too large the status is refused, the message has the sizes, and there are no values.
struct ExactResult : CriterionResult {
  ExactResult() = default;
  explicit ExactResult(CriterionResult result) : CriterionResult(std::move(result)) {}

  /// In the sense of the file: "2/3", "5", "inf", "-inf"; "undefined" where a total is infinity minus infinity. Empty unless level
  /// is exact. [n_states] each; value_exact is empty for `average`, gain_exact and bias_exact for the others.
  std::vector<std::string> value_exact, gain_exact, bias_exact;
  std::vector<std::string>
      optimal_bias_exact;  ///< average, solve_exactly(): the least bias of the policies of the least gain
  std::vector<std::vector<std::string>> value_by_stage_exact;  ///< finite: [horizon + 1][n_states]
  std::vector<char> optimal;                                   ///< [n_rows] 1 = the row attains V* exactly
  std::shared_ptr<const ExactAnswer> answer;                   ///< all of it in rationals (exact_answer.hpp)
};

/// V* (or gain and bias) in rationals, every tie and every infinity decided. Policy iteration from the policy of the certified
/// solver; the linear systems are solved by p-adic lifting and checked in integers. Up to some 3000 strongly
/// connected states in seconds; the table in docs/exact.md has times. \throws InvalidOption, InvalidArgument, InputError.
[[nodiscard]] ExactResult solve_exactly(const ExactMdp& mdp, Criterion criterion,
                                        const ExactLevelOptions& options = {});

/// The value of a policy in rationals, as evaluate_criterion() defines it. As the result of solve_exactly(), without a policy and what
/// says that it is optimal. \param policy_path  a policy file of this MDP, probabilities as written; for `finite` its policies by stage, where it has them
/// \throws InvalidOption, InvalidArgument, InputError.
[[nodiscard]] ExactResult evaluate_exactly(const ExactMdp& mdp, const std::string& policy_path, Criterion criterion,
                                           const ExactLevelOptions& options = {});
/// The same. \param policy  [n_states]
[[nodiscard]] ExactResult evaluate_exactly(const ExactMdp& mdp, std::span<const Action> policy, Criterion criterion,
                                           const ExactLevelOptions& options = {});

}  // namespace mdp::solvers
