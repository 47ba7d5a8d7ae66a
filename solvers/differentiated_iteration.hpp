// solvers/differentiated_iteration.hpp — value iteration and its derivative, sweep by sweep (theory.md, D2).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "libmdp/status.hpp"
#include "solvers/derivative.hpp"

namespace mdp::solvers {

/// What one sweep changed: both tend to 0, the first like gamma^k, the second like gamma^k for costs and like k gamma^k
/// for probabilities and the discount, once the greedy policy has settled (D2).
struct DifferentiatedSweep {
  std::int64_t sweep = 0;
  double value_change = 0.0;       ///< max |V_k - V_{k-1}| over states of finite value
  double derivative_change = 0.0;  ///< max |dV_k - dV_{k-1}|
};

struct DifferentiatedIterationOptions {
  std::int64_t sweeps = 100;  ///< k >= 0
  EntryConvention convention = EntryConvention::raw;
  std::vector<double> terminal = {};            ///< [n_states] V_0, finite; empty = 0
  std::vector<double> terminal_direction = {};  ///< [n_states] dV_0, finite; empty = 0
  int threads = 0;
  bool record_trace = false;
  /// Called after each sweep; false stops the run (Status::interrupted).
  std::function<bool(const DifferentiatedSweep&)> observer = {};

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// A state and sweep at which the greedy action could not be told from another: V_k may have a kink there.
struct SweepTie {
  std::int64_t sweep = 0;
  State state = 0;
};

struct DifferentiatedIteration {
  Status status = Status::not_run;  ///< converged = all sweeps were made; interrupted
  Level level = Level::certified;   ///< approximate if there are ties: then it is one of several one-sided derivatives
  std::string message;
  std::vector<double> values;      ///< [n_states] V_k; +inf where every action is inadmissible within k stages
  std::vector<double> derivative;  ///< [n_states] dV_k; NaN where V_k is infinite
  Policy policy;                   ///< [n_states] greedy for V_{k-1}, ties to the lowest position; empty for k = 0
  std::int64_t sweeps = 0;
  double value_error_bound = 0.0;       ///< |values - V_k| of the k-stage problem, rounding and entries
  double derivative_error_bound = 0.0;  ///< the same of the derivative, if there are no ties
  std::int64_t n_ties = 0;
  std::vector<SweepTie> first_ties;  ///< at most 10
  std::vector<DifferentiatedSweep> trace;
};

/// V_{k+1} = T V_k and  dV_{k+1} = dL_pi + gamma dP_pi V_k + dgamma P_pi V_k + gamma P_pi dV_k,  pi greedy for V_k:
/// after k sweeps the exact derivative of the k-stage problem with terminal cost V_0, for every k (D2); the discount may be
/// 1. Tends to D1 where that exists.
///
/// Bounds. E_{k+1} = gamma E_k + bounds::sweep_error for V; the greedy action is that of the exact V_k if it leads by more
/// than twice that, else a tie is counted. The derivative's error is gamma times the last one's, that of its sources (the
/// rounding of their sums, and (gamma sum|dp| + |dgamma|) E_k), and the rounding of gamma P dV.
/// \throws InvalidOption; InvalidArgument for wrong shapes. Cost: three passes over the transitions per sweep.
[[nodiscard]] DifferentiatedIteration differentiated_value_iteration(
    const Mdp& mdp, const EntryDirection& direction, const DifferentiatedIterationOptions& options = {});

}  // namespace mdp::solvers
