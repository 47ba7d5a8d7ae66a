// solvers/goal_iteration.hpp — least cost until the goal by iterations in doubles (internal).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libmdp/graph/approach.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "libmdp/kernels/ordered_chain.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/absorbing.hpp"
#include "solvers/enclosure.hpp"
#include "solvers/run.hpp"

namespace mdp::solvers {

/// Costs until the goal, undiscounted. Every state but the goals reaches them under the policy of `start`, and policies that
/// miss them pay more than any number, or there are none (end components that cost nothing are collapsed before).
struct GoalProblem {
  const Mdp& mdp;  ///< discount 1; rows of infinite cost are out of the question
  const graph::Approach& start;
  Accuracy accuracy;  ///< of the half-width of the enclosure
  EntryUncertainty uncertainty;
  std::span<const double> values = {};  ///< [n_states] to start from (entries that are not finite apart), or empty
};

/// Working values of a method.
struct GoalIterate {
  explicit GoalIterate(const GoalProblem& problem);

  const GoalProblem& problem;
  std::vector<double> v;            ///< [n_states] 0 at goals
  std::vector<double> tv;           ///< T v of the last sweep over all rows
  Policy policy;                    ///< greedy for v at the last sweep; before it, that of the approach
  kernels::ResidualRange residual;  ///< of tv - v
  kernels::OrderedChain chain;      ///< of the states but the goals, nearest first; its policy is up to the method
};

/// How a method makes the next values from v, T v and its greedy policy.
class GoalStep {
 public:
  virtual ~GoalStep() = default;
  GoalStep() = default;
  GoalStep(const GoalStep&) = delete;
  GoalStep& operator=(const GoalStep&) = delete;

  /// First values, before the first sweep; v is 0 or what the caller started from (`warm`).
  virtual void begin(GoalIterate& /*it*/, bool /*warm*/, Run& /*run*/) {}
  virtual void advance(GoalIterate& it, Run& run) = 0;
  /// Steps without a smaller residual after which nothing is to be hoped for.
  [[nodiscard]] virtual int patience() const { return 300; }
  [[nodiscard]] virtual std::string name() const = 0;
};

/// v <- T v (Jacobi), monotone from values that are too low or too high; Bertsekas and Tsitsiklis (1991).
[[nodiscard]] std::unique_ptr<GoalStep> jacobi_step();
/// Sweeps over all rows in place, nearest states first.
[[nodiscard]] std::unique_ptr<GoalStep> gauss_seidel_step();
/// Updates the state that would change most, until none would change by much; then again, finer.
[[nodiscard]] std::unique_ptr<GoalStep> prioritized_step(const GoalProblem& problem);
/// One strongly connected component after another, successors first, each to the end of what rounding allows.
[[nodiscard]] std::unique_ptr<GoalStep> topological_step(const GoalProblem& problem);
/// Modified policy iteration: Gauss–Seidel sweeps of the greedy policy's chain, nearest states first: news travel from
/// the goal outwards in one sweep. The first policy is that of the approach, evaluated well before it is improved (from
/// values that are too low greedy policies flee from the goal, and each improvement would move one step). With `krylov`,
/// BiCGSTAB takes over where sweeps are slow: always for the first policy, then once the policy has nearly settled.
[[nodiscard]] std::unique_ptr<GoalStep> policy_step(bool krylov);

/// The linear program  max sum v,  v <= c + P v  on every row, by CLP (d'Epenoux 1963; Puterman 1994, section 6.9): its
/// optimum is V*, to CLP's tolerance; then inexact policy iteration from there. Needs has_linear_programming().
[[nodiscard]] std::unique_ptr<GoalStep> linear_programming_step();

/// Sweeps over all rows, steps in between, until the enclosure by enclose_until_goal() is as narrow as asked, a limit is
/// reached, or rounding is all that is left. The rows of the answer are those of the problem's MDP.
[[nodiscard]] AbsorbingAnswer iterate_until_goal(const GoalProblem& problem, GoalStep& step, Run& run);

/// Half-width of an enclosure over the one allowed, the largest over the states; +inf without one.
[[nodiscard]] double excess_width(const AbsorbingAnswer& answer, const Accuracy& accuracy);

}  // namespace mdp::solvers
