// solvers/linearise.hpp — V* as a point of linearisation, for criteria with and without a discount (internal).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libmdp/graph/reachability.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "solvers/derivative.hpp"
#include "solvers/optimal_actions.hpp"

namespace mdp::solvers {

/// A solved MDP, and what depends on the criterion.
struct SolvedPoint {
  Mdp mdp;                           ///< with the discount of the criterion
  std::span<const double> values;    ///< [n_states] minimised sense
  ValueBounds bounds;                ///< proved, on V*
  std::span<const Action> policy;    ///< of the solution
  std::span<const State> ends = {};  ///< states of value 0 by definition, where the process has ended
  /// States whose ties stand in the way, from the actions that are left.
  std::function<graph::StateSet(std::span<const Tie>)> counted;
  /// I - gamma P_pi of the one policy that is left; rows of weight 0 have no value to move.
  std::function<std::shared_ptr<const PolicySystem>(std::span<const Action>, std::span<const double> row_weights)>
      system;
  /// The point at the value of the solution's policy (AtTies::use_policy).
  std::function<Linearisation()> of_policy;
};

/// D1 at V*, or a refusal that names the ties. \throws InvalidArgument if the bounds exclude every action of a state.
[[nodiscard]] Linearisation linearise_solved(const SolvedPoint& solved, const DerivativeOptions& options);

/// Sets status and message where the point's system has no bound.
void require_bounds(LinearisationPoint& point);

/// "state s (and 2 more states): actions a, b cannot be told apart within the bounds of the solution".
[[nodiscard]] std::string tie_message(const Mdp& mdp, const std::vector<Tie>& ties);

/// [n_rows] 1 for the actions of a deterministic policy in states of finite value other than `ends`, else 0.
[[nodiscard]] std::vector<double> deterministic_weights(const Mdp& mdp, std::span<const Action> policy,
                                                        std::span<const double> values,
                                                        std::span<const State> ends = {});

}  // namespace mdp::solvers
