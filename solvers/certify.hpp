// solvers/certify.hpp — what values from anywhere prove about V*, about a policy and about single actions.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "solvers/criterion.hpp"

namespace mdp::solvers {

/// What is proved of an action.
enum class Verdict : char {
  undecided,   ///< neither, at this accuracy
  optimal,     ///< Q*(s,a) = V*(s)
  not_optimal  ///< Q*(s,a) > V*(s)
};
/// "undecided", "optimal", "not_optimal".
[[nodiscard]] std::string_view to_string(Verdict verdict) noexcept;

/// Bounds on V* (average: on the gain), on the loss of a policy, and verdicts. The bounds of a CriterionResult hold as they say.
/// `policy` is the one that was given or, if none was, one that is greedy for the values; policy_loss_bound is its loss.
struct CertifyResult : CriterionResult {
  /// max |given - V*| over states of finite value, rounded up; +inf where an infinity is misplaced; not computed for `average`.
  double given_error_bound = not_computed;
  std::vector<Verdict> action_verdict;  ///< [n_rows]
  /// [n_states] second least Q*(s,.) - V*(s), enclosed: 0 = a tie. +inf where there is no second action, or none of finite Q*.
  /// What infinity minus infinity would be is enclosed by [0, inf]. Empty for `average`.
  std::vector<double> gap_lower, gap_upper;
};

/// Encloses V* from given values without improving them; how good the values are shows in the width.
///
/// - discounted: C1-C2, the residual in twice the precision: V* in v + [min d, max d]/(1-gamma).
/// - finite: checking N stage residuals costs what N stages cost: V* comes from backward induction in twice the precision; `values`
///   (of stage 0) are compared with it.
/// - reach, goal, total: infinities by the graph, end components collapsed (C5); the policy that is greedy for the values is
///   evaluated and V* >= V^policy - d proved for a checked d; where factors are too large, v - d <= V* <= v + d' with d, d'
///   multiples of times until exit.
/// - average: `values` are relative values (a bias h). C5 inside each maximal end component, least expected gain over the
///   components with staying paid by either end of the component's interval.
///
/// Verdicts (C4) compare Q* enclosures from the enclosure of V*: not_optimal if the lower one exceeds V*'s upper one; optimal
/// if all others are not, or if the upper one is at most V*'s lower one. Finite: of stage 0. Average: an action that loses
/// gain (P g* > g*) is not optimal; among the others only a last one left is called optimal.
///
/// Status: converged if every half-width is within the accuracy of options.solve, else precision_limit.
/// \param values  [n_states] costs, minimised sense. Infinities are judged by the graph: a state where values say infinity
///                without reason counts as 0 in the enclosure. \throws InvalidArgument if the length is wrong or an entry is NaN
/// \throws as solve_criterion()
/// Cost: two or three sweeps, discounted; else one evaluation of a policy beyond the graph search.
[[nodiscard]] CertifyResult certify(const Mdp& mdp, Criterion criterion, std::span<const double> values,
                                    const CriterionOptions& options = {});

/// The same, with the loss of a policy: V^policy by evaluate_criterion(), less the lower bound on V*. `policy` of the result is
/// the one given. \throws InvalidArgument if the policy is not one of this MDP.
[[nodiscard]] CertifyResult certify(const Mdp& mdp, Criterion criterion, std::span<const double> values,
                                    std::span<const Action> policy, const CriterionOptions& options = {});
/// The same for a randomised policy [n_rows]; `policy` of the result is empty.
[[nodiscard]] CertifyResult certify(const Mdp& mdp, Criterion criterion, std::span<const double> values,
                                    const RandomisedPolicy& policy, const CriterionOptions& options = {});
/// The same for `finite` and a policy for each stage, see evaluate_by_stage().
[[nodiscard]] CertifyResult certify_by_stage(const Mdp& mdp, std::span<const double> values,
                                             std::span<const RandomisedPolicy> policies,
                                             const CriterionOptions& options);

}  // namespace mdp::solvers
