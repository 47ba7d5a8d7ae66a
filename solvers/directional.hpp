// solvers/directional.hpp — one-sided derivatives of V* where actions tie (theory.md, D3).
#pragma once

#include <string>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "libmdp/status.hpp"
#include "solvers/derivative.hpp"

namespace mdp::solvers {

/// One-sided derivatives of V* along a direction. NaN where V* is infinite.
struct DirectionalDerivative {
  Status status = Status::not_run;
  /// certified: no undecided tie, or ties between rows that are equal to the bit only. approximate: right if the actions in
  /// `ties` are exactly tied, which bounds in floating point can not prove.
  Level level = Level::approximate;
  std::string message;
  std::vector<double> right;  ///< [n_states] lim (V*(d h) - V*)/h, h -> 0+
  std::vector<double> left;   ///< [n_states] the same for h -> 0-
  Policy right_policy;        ///< [n_states] actions that stay optimal for small h > 0
  Policy left_policy;
  double error_bound = not_computed;  ///< of every finite entry of both
  std::vector<Tie> ties;              ///< states where several actions were taken for optimal
  double tie_margin = not_computed;   ///< actions with Q* - V* above it never are
};

/// D3: the derivative to the right is the optimal value of the *derivative MDP*: the dynamics of `mdp`, only actions that may
/// be optimal (C4), stage cost dL + gamma dP V* + dgamma P V*, minimised; to the left -D(-d), the same maximised. Where
/// nothing ties both are D1. Two solves of that MDP.
///
/// Bound: the errors of the stage costs (rounding, entries, that of V*) over 1 - gamma, and the enclosures of the solves.
/// \throws InvalidArgument  as linearise_optimum(), or a direction of the wrong shape
[[nodiscard]] DirectionalDerivative directional_derivative(const Mdp& mdp, const SolveResult& solution,
                                                           const EntryDirection& direction,
                                                           const DerivativeOptions& options = {});

}  // namespace mdp::solvers
