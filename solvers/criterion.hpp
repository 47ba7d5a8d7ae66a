// solvers/criterion.hpp — what is minimised: discounted, finite, total, goal, reach or average (theory.md, section 0).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libmdp/mdp.hpp"
#include "solvers/enclosure.hpp"
#include "solvers/options.hpp"
#include "solvers/result.hpp"

namespace mdp::solvers {

enum class Criterion {
  discounted,  ///< sum of gamma^k L_k for ever, gamma < 1
  finite,      ///< N stages and a terminal cost
  total,       ///< undiscounted sum for ever; a policy may loop; -inf and +inf are answers
  goal,        ///< undiscounted sum until a goal state
  reach,       ///< probability of reaching the goal
  average      ///< cost per stage in the long run: gain and bias
};

/// What `goal` makes of a policy that misses the goal with positive probability.
enum class Improper {
  infinite,  ///< its payoff is +inf in the sense of the file, minimising or maximising
  excluded   ///< it does not compete
};

/// "discounted", "finite", "total", "goal", "reach", "average"; "infinite", "excluded".
[[nodiscard]] std::string_view to_string(Criterion criterion) noexcept;
[[nodiscard]] std::string_view to_string(Improper improper) noexcept;
/// The inverses. \throws InvalidOption listing the words.
[[nodiscard]] Criterion criterion_from_string(std::string_view word);
[[nodiscard]] Improper improper_from_string(std::string_view word);

struct CriterionOptions {
  /// Accuracy, level, limits, observer, method: one that does not apply (why_not()) is refused. The start vector holds values;
  /// for `average` relative values, of which only differences count; `finite` does not read it.
  SolveOptions solve = {};
  Improper improper = Improper::infinite;  ///< read by `goal`
  std::int64_t horizon = -1;               ///< stages of `finite`, >= 0; required there
  /// [n_states] terminal cost of `finite`, minimised sense, +inf allowed; empty = zero.
  std::vector<double> terminal = {};
  /// [n_states] or empty: terminal + tail is what the input writes, to 106 bits; empty = the doubles themselves.
  std::vector<double> terminal_tail = {};
  /// What is not known of the MDP meant; 0 for an MDP as read or built.
  EntryUncertainty uncertainty = {};

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// Answer of every criterion. As SolveResult: costs are minimised, in_sense() turns values, gains and bounds into the
/// sense of a file. At every state value_lower <= V* <= value_upper, both +inf or both -inf where V* is (decided on the
/// graph). For `reach`, in_sense() of the values is the probability: it is negative here where the file maximises.
struct CriterionResult : SolveResult {
  Criterion criterion = Criterion::discounted;

  /// finite: [horizon + 1][n_states] values of the stages, the last is the terminal cost; `values` is stage 0.
  std::vector<std::vector<double>> value_by_stage;
  std::vector<Policy> policy_by_stage;  ///< finite: [horizon][n_states]; `policy` is stage 0

  /// average: [n_states] each; gain_lower <= g* <= gain_upper is proved. `values` and its bounds are empty.
  std::vector<double> gain, gain_lower, gain_upper;
  /// average: [n_states] bias h of `policy`, P*h = 0; bias_lower <= h <= bias_upper is proved (-inf and inf where it was too dear to
  /// prove). NaN where the gain is infinite, and where there are many states and several recurrent classes.
  std::vector<double> bias, bias_lower, bias_upper;

  /// total, goal, reach, average: [n_states] what the run ended with, to go on from (SolveOptions::start): the last values, which
  /// need not lie in the middle of the bounds; `average`: relative values. Else empty.
  std::vector<double> iterate;

  /// soft_value_iteration: [n_rows] the optimal randomised policy; `values` are those with the entropy, `policy` is empty.
  StochasticPolicy stochastic_policy;

  /// Status::undefined: a path of states, from one whose value is infinity minus infinity to a state where a cost
  /// > 0 can be paid for ever; then, after it, a path from the same state to one where a cost < 0 can.
  std::vector<State> witness;
};

/// Solves `mdp` for a criterion; see the function of each for what it proves, throws and costs. A method that does not
/// apply ends with Status::refused and the reason, see why_not() in solvers/applicability.hpp.
[[nodiscard]] CriterionResult solve_criterion(const Mdp& mdp, Criterion criterion,
                                              const CriterionOptions& options = {});

/// Value of a given policy by the same criterion: that of the chain it induces (induced_chain()), goal states kept. For `goal`
/// the same rules say what missing the goal is worth; `finite` takes the policy at every stage. A randomised policy pays
/// its mean cost in each state; under `total` it is worth E[sum of the positive parts of its costs] - E[sum of the negative
/// parts], undefined where both are infinite, and +inf where it may take an inadmissible action. `policy` of the result is the one
/// given, or empty.
/// \throws InvalidArgument if the policy is not one of this MDP; and as solve_criterion().
[[nodiscard]] CriterionResult evaluate_criterion(const Mdp& mdp, std::span<const Action> policy, Criterion criterion,
                                                 const CriterionOptions& options = {});
[[nodiscard]] CriterionResult evaluate_criterion(const Mdp& mdp, const RandomisedPolicy& policy, Criterion criterion,
                                                 const CriterionOptions& options = {});

/// Value of a policy that depends on the stage, by `finite`: V_k = L_k + gamma P_k V_{k+1} with the chain of policies[k], k = 0 first.
/// Bounds as solve_finite_horizon(). `policy` and `policy_by_stage` of the result are empty.
/// \throws InvalidArgument if one is not a policy of this MDP, or there are not options.horizon of them; and as solve_criterion().
/// Cost: of each stage a sweep in twice the precision, and its chain.
[[nodiscard]] CriterionResult evaluate_by_stage(const Mdp& mdp, std::span<const RandomisedPolicy> policies,
                                                const CriterionOptions& options);

}  // namespace mdp::solvers
