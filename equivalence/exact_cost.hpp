// equivalence/exact_cost.hpp — equivalent costs in rationals (T1, T2, T3) (internal; needs GMP, is not installed).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmdp/io/exact_model.hpp"
#include "libmdp/io/extended.hpp"
#include "libmdp/status.hpp"
#include "libmdp/types.hpp"
#include "solvers/exact/exact_answer.hpp"
#include "solvers/options.hpp"

namespace mdp::equivalence {

/// Q* and V* of a world in its own criterion, in rationals; V* = min_a Q*.
struct ExactTarget {
  Status status =
      Status::not_run;  ///< converged; refused: V* is -inf or undefined somewhere; else as the exact solve ended
  std::string message;
  solvers::Criterion criterion = solvers::Criterion::discounted;
  std::vector<io::Extended> values;  ///< [n_states] finite or +inf. average: h, with L - g for L
  std::vector<io::Extended> q;       ///< [n_rows] average: +inf at actions that lose gain (theory.md, section 0)
  std::vector<std::int64_t> goal;    ///< of the world
  /// finite: Q*_k, Q*_{k+1}, ... from the stage that was asked for to the last, and V* before each and after the last.
  std::vector<std::vector<io::Extended>> q_by_stage, values_by_stage;
};

/// \param options  criterion.horizon and terminal are those of `finite`. \param stage  finite: k of Q*_k, 0 <= k < horizon
/// \throws InvalidOption for `reach` and for a stage out of range.
[[nodiscard]] ExactTarget exact_target(const io::ExactModel& world, solvers::Criterion criterion,
                                       const solvers::ExactOptions& options, std::int64_t stage = 0);

/// T4: V^* = Phi and Q^* = Phi + B in place of V* and Q*, for exact_criterion_change() to a discounted model. Infinite where these are.
/// \param world      of the target, discounted; for its shape
/// \param potential  [n_states] Phi, finite where V* is; empty = V*
/// \param slack      [n_rows] B >= 0, 0 at some action of every state; empty = Q* - V*
/// \throws InvalidArgument naming the state or pair
[[nodiscard]] ExactTarget shaped_target(const io::ExactModel& world, const ExactTarget& target,
                                        const std::vector<io::Extended>& potential,
                                        const std::vector<io::Extended>& slack);

/// Whether the same actions attain the minimum of both, state by state.
[[nodiscard]] bool same_optimal_sets(const io::ExactModel& world, const ExactTarget& a, const ExactTarget& b);

struct ExactCost {
  /// converged: the statement of T3 holds exactly and the model, solved in rationals, says so; refused: the message names the condition
  /// that fails and where.
  Status status = Status::not_run;
  std::string message;
  io::ExactModel
      model;  ///< the model with cost L^, discount 1 where its criterion does not discount; goals that are not free are none
  mpq_class shift;                     ///< c:  Q^* = Q* - c
  std::string confirmation;            ///< which solve of the model confirmed it, e.g. "goal"
  std::vector<io::Extended> terminal;  ///< finite: [n_states] of the model
  /// finite world into finite model: [N^][n_rows], +inf where inadmissible; `model` has those of its first stage.
  std::vector<std::vector<io::Extended>> cost_by_stage;
};

/// T1 without rounding:  L^ = Q* - gamma^ P^ V*, inadmissible where Q* = inf, for a model of criterion
///   discounted             Q^* = Q*, if TC(a) holds
///   finite (N^ stages)     Q^*_k = Q* in every stage with terminal cost V*; of a finite world Q^*_k = Q*_k with a cost for each
///                          stage, L^_k = Q*_k - gamma^ P^ V*_{k+1}, and terminal cost V*_N^; refused if it has fewer stages (T3)
///   goal, total, average   Q^* = Q* - c, gain 0: conditions G and M(c) of docs/equivalent_costs.md.
/// M(c) is one average-cost solve: with the zero-advantage pairs alone, the largest long-run average of V* from a state is the mean of
/// m(C) over the C where it ends, at most c = max m(C), and equal to c iff that C has m(C) = c almost surely. So M(c) holds iff this gain is
/// the same in every state of finite V*, and it is c.
/// \param model  of the world's shape; its costs are not read. \param horizon  N^, read for `finite` alone
/// \throws InvalidArgument: criterion discounted with discount 1; InvalidOption: reach
[[nodiscard]] ExactCost exact_criterion_change(const ExactTarget& target, const io::ExactModel& model,
                                               solvers::Criterion criterion, const solvers::SolveOptions& options,
                                               std::int64_t horizon = 1);

/// Both discounted, both discounts below 1; not confirmed by solving the model.
/// \param max_characters  of the costs as text: refused if V* has so many digits that more are predicted
[[nodiscard]] ExactCost exact_equivalent_cost(const io::ExactModel& world, const io::ExactModel& model,
                                              const solvers::SolveOptions& options, double max_characters = infinity);

}  // namespace mdp::equivalence
