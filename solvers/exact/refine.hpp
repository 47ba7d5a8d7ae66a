// solvers/exact/refine.hpp — values to N certified decimal digits, at sizes where rationals are out of reach.
#pragma once

#include <string>
#include <vector>

#include "solvers/exact/exact.hpp"

namespace mdp::solvers {

/// A decimal next to a rational: "17.5318096135721", n_digits significant digits, rounded to nearest; integers of fewer digits and
/// "inf", "-inf" as they are. \param exact  "a/b". \throws InvalidArgument for n_digits < 1 or a text that is no number.
[[nodiscard]] std::string decimal_text(const std::string& exact, int n_digits);

/// One stage of a finite horizon, as RefinedResult.
struct RefinedStage {
  std::vector<std::string> value;  ///< [n_states]
  std::string value_error_bound;
  Policy policy;  ///< [n_states] the lowest position that the error cannot tell from the best; empty in the last stage
};

/// Values with proved errors, in the sense of the file.
struct RefinedResult {
  Status status = Status::not_run;  ///< converged: the error bound is met
  std::string message;
  std::vector<std::string> value;  ///< [n_states] decimals, "inf", "-inf"
  /// Proved: |value - V*| <= this at every finite state, rounding of the text included; a decimal.
  std::string value_error_bound;
  Policy policy;
  std::vector<RefinedStage>
      stages;  ///< finite: [horizon + 1], the last is the terminal cost; value and policy are those of stage 0
  std::int64_t iterations = 0;  ///< corrections
  double seconds = 0.0;
};

/// V* of the discounted criterion with an error of at most 10^-n_digits times the largest |V*| (theory.md C2). From the certified
/// answer and its policy: the residual T_pi V - V in fixed point (integers of as many bits as it takes), its correction by
/// PolicySystem in doubles, and again; then the residual over all actions encloses V*:
///
///     min d/(1 - gamma) <= V* - V <= max d/(1 - gamma),  d = TV - V within the error of its fixed-point sums.
///
/// An action that turns out better is taken and the refinement goes on. O(n_transitions n_digits^2) and one solve with
/// the policy's system for every 5 to 15 digits. \throws InvalidArgument if the discount is 1; InvalidOption for n_digits < 1.
[[nodiscard]] RefinedResult refine_discounted(const ExactMdp& mdp, int n_digits, const SolveOptions& options = {});

/// The same for `total`, `goal`, `reach` and `average`: the least cost until exit to which they come down is refined in place of being solved in
/// rationals (refine_until_exit.hpp). `average`: `value` is the gain, refined in each end component (refine_gain.hpp), and the choice
/// among them as the others; the bias is not refined. `policy` is empty. `finite` is refine_finite();
/// precision_limit where no proof was found; undefined as solve_exactly().
/// \throws InvalidOption for n_digits < 1.
[[nodiscard]] RefinedResult refine_undiscounted(const ExactMdp& mdp, Criterion criterion, int n_digits,
                                                const ExactLevelOptions& options = {});
/// The values of every stage of `finite`, each with an error of at most 10^-n_digits times the largest of its stage: backward
/// induction in fixed point. With unit 2^-b and n entries in a row, a stage adds at most 3 + n max |V| 2^-b units to gamma times the
/// error of the one before; where that is too much somewhere, all is done again with a smaller unit. precision_limit where a
/// stage stays too small for any unit tried, as values do that cancel to 0. O(horizon n_transitions (n_digits + range of the costs)).
/// \throws InvalidOption for n_digits < 1 or without a horizon; InvalidArgument for the terminal cost; InputError.
[[nodiscard]] RefinedResult refine_finite(const ExactMdp& mdp, int n_digits, const ExactLevelOptions& options);

}  // namespace mdp::solvers
