// equivalence/equivalent_cost.hpp — the cost that makes a wrong model decide like the world (T1, T2).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "equivalence/known_values.hpp"
#include "equivalence/scope.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/status.hpp"

namespace mdp::equivalence {

struct EquivalentCostOptions {
  /// Where TC(a) fails at a pair that is certainly not optimal, accept L^ = +inf there: V* and the optimal actions
  /// are kept, Q^* = Q* is not (scope optimal_pairs). Off: such a pair makes the status `refused`.
  bool exclude_violations = false;
  /// Violations reported with a witness path; all are counted. >= 0.
  std::int64_t max_witnesses = 20;
  /// Pairs that the enclosure of V* cannot tell from optimal ones become optimal to the bit: Q is changed by that little, and the bounds
  /// say so. An undiscounted model needs it (T3): the least advantage in a cycle, paid for ever, is infinite.
  bool ties_as_equal = false;
  double tie_tolerance = 0.0;  ///< with ties_as_equal: advantages up to this are ties as well; >= 0
  int threads = 0;             ///< 0 = all; the same bits for any number

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// Numbers in cost sense; [n_rows] in the order of the rows.
struct EquivalentCostResult {
  /// converged: Q^* = Q* (or, if asked for, scope optimal_pairs); refused: a condition fails, see message.
  Status status = Status::not_run;
  Level level = Level::approximate;  ///< that of the world's values
  Scope scope = Scope::none;
  std::string message;

  std::vector<double> cost;       ///< [n_rows] L^, +inf where Q* = inf and at violations
  std::vector<double> q;          ///< [n_rows] Q* of the world, as computed from its values
  std::vector<double> advantage;  ///< [n_rows] A* = Q - min_a Q, 0 in states with V* = inf

  /// |cost - L^| for the L^ of the true Q*, largest over pairs with finite Q*; enclosure of V* and rounding
  /// included. not_computed if approximate.
  double cost_error_bound = not_computed;
  /// ||Q^* - Q*|| of `model` as T1 and C2 promise it before anything is solved; not_computed if approximate or gamma^ = 1.
  double q_error_bound = not_computed;
  /// max |gamma^ E_rho^[V*]| / max |L^| over pairs with finite Q*: digits lost in the difference that L^ is; +inf if L^ is 0.
  double condition_number = not_computed;
  /// The same pair by pair: max |gamma^ E_rho^[V*]| / |L^| over those with L^ != 0; 0 if there are none.
  double pair_condition_number = not_computed;
  Offset condition_row = -1;  ///< the pair that attains it
  Offset n_zero_cost = 0;     ///< pairs apart: L^ is 0 within its error (rounding alone if approximate)

  Offset n_violations = 0;            ///< pairs at which TC(a) fails
  std::vector<Violation> violations;  ///< the first of them, by row

  /// The model with cost L^ (twice the precision: cost and cost_tail). Engaged also if refused, with the cost above.
  std::optional<Mdp> model;
  double seconds = 0.0;
};

/// T1: with  L^(s,a) = Q*(s,a) - gamma^ sum_s' rho^(s'|s,a) V*(s')  the model's Q^* equals the world's Q*, whatever
/// rho^ and gamma^ are (gamma^ = 0 and gamma^ != gamma included).
///
/// The world enters by V* alone. From its values V: Q = L + gamma P V, W = min_a Q, and
///     L^ = A + (1 - gamma^) W(s) - gamma^ E_rho^[W(s') - W(s)],   A = Q - W(s),
/// the difference T1 asks for, centred at the state (T4, "Numerical care") and summed in twice the precision. As W is
/// the minimum of the very Q that is reproduced, Q^* = Q up to rounding, and ||Q^* - Q*|| <= gamma ||V - V*||: errors
/// of V are not amplified by 1/(1 - gamma^).
///
/// gamma^ = 1: T1 needs M(0) of T3, which is not decided here. The cost is returned with status refused and scope
/// finite_horizon: it is right with N stages and terminal cost V* (T2), and the undiscounted sum may prefer another
/// policy (T2').
///
/// TC(a) is checked: where Q* < inf and gamma^ > 0, rho^ may put no mass on {V* = inf}.
///
/// \param world  any discount; V* is that of the world's own criterion
/// \param model  rho^ and gamma^ = model.discount(); its costs are not read
/// \throws InvalidArgument if the shapes differ or values do not fit; InvalidOption.
/// Cost: two passes over the transitions of each, O(n_rows) memory.
[[nodiscard]] EquivalentCostResult equivalent_cost(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                                                   const EquivalentCostOptions& options = {});

}  // namespace mdp::equivalence
