// solvers/result.hpp — what a solver hands back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmdp/policy.hpp"
#include "libmdp/status.hpp"
#include "libmdp/types.hpp"

namespace mdp::solvers {

/// What an observer sees after each sweep over all rows, and what a trace keeps.
struct SweepRecord {
  std::int64_t sweep = 0;              ///< sweeps over all rows so far, this one included
  std::int64_t iteration = 0;          ///< policy evaluations so far; 0 in value iteration
  double residual_min = not_computed;  ///< min over states of TV - V, as computed
  double residual_max = not_computed;
  /// Half the width of the bounds on V* that hold now: proved at level certified, an estimate (rounding left
  /// out) at level approximate.
  double half_width = not_computed;
  double seconds = 0.0;  ///< since the solver was called
  /// Bounds on V* - TV at every state that the residual proves (C1), of the same kind as half_width; of a correction
  /// problem while an answer is refined in twice the precision.
  double lower = not_computed;
  double upper = not_computed;
  double bytes = 0.0;        ///< compulsory traffic of the transitions so far: 12 B each, 16 B per row
  State policy_changes = 0;  ///< states whose greedy action is not that of the sweep before
};

/// Answer of every solver of the discounted criterion. Costs are minimised; in_sense() turns values into the
/// sense of a file. NaN and -1 mean "not computed".
struct SolveResult {
  Status status = Status::not_run;
  Level level = Level::approximate;  ///< how good the answer is; never lower than what was asked for
  std::string message;               ///< one sentence for people: why it stopped, why this method
  std::string method;                ///< what ran, e.g. "policy iteration (sparse LU)"

  /// [n_states] +inf where no policy has a finite value (decided on the graph); inside [value_lower, value_upper].
  std::vector<double> values;
  /// [n_states] proved: value_lower <= V* <= value_upper for the MDP meant (theory.md, section 0); empty at
  /// level approximate.
  std::vector<double> value_lower;
  std::vector<double> value_upper;
  /// [n_states] greedy for the last V, the lowest position among actions that rounding cannot tell apart.
  Policy policy;

  double value_error_bound = not_computed;  ///< proved: max |values - V*| over states of finite value
  double policy_loss_bound = not_computed;  ///< proved: max (V^policy - V*) over states of finite value (C3)
  double residual_min = not_computed;       ///< range of TV - V for the last V
  double residual_max = not_computed;

  std::int64_t sweeps = -1;        ///< passes over all rows
  std::int64_t iterations = -1;    ///< policy evaluations
  double seconds = not_computed;   ///< the solve alone, from the loaded MDP
  std::vector<SweepRecord> trace;  ///< if SolveOptions::record_trace

  [[nodiscard]] bool converged() const noexcept { return status == Status::converged; }
};

/// Value of one given policy.
struct EvaluationResult {
  Status status = Status::not_run;
  Level level = Level::approximate;
  std::string message;
  std::string method;

  /// [n_states] +inf where the policy pays an infinite cost with positive probability.
  std::vector<double> values;
  std::vector<double> value_lower;  ///< [n_states] proved; empty at level approximate
  std::vector<double> value_upper;
  double value_error_bound = not_computed;  ///< proved: max |values - V^policy| over states of finite value
  double residual_min = not_computed;       ///< range of T_pi V - V for the last V
  double residual_max = not_computed;

  std::int64_t sweeps = -1;
  double seconds = not_computed;
  std::vector<SweepRecord> trace;

  [[nodiscard]] bool converged() const noexcept { return status == Status::converged; }
};

}  // namespace mdp::solvers
