// equivalence/potential_cost.hpp — all costs that keep the world's optimal actions (T4).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "equivalence/known_values.hpp"
#include "equivalence/levels.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/options.hpp"

namespace mdp::equivalence {

struct PotentialCostOptions {
  /// [n_states] Phi, minimised sense; empty = V* (then B = A* is T1). Finite where V* is.
  std::vector<double> potential = {};
  /// [n_rows] B >= 0, zero exactly on the world's optimal actions; empty = A*. +inf excludes a pair that is not optimal.
  std::vector<double> slack = {};
  solvers::SolveOptions solve = {};  ///< for the model; level certified

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// Numbers in cost sense.
struct PotentialCost {
  /// converged: V^* = Phi and Q^* = Phi + B, confirmed by solving the model; refused: see message.
  Status status = Status::not_run;
  std::string message;
  std::vector<double> cost;       ///< [n_rows] L^ = B + Phi - gamma^ P^ Phi
  std::vector<double> potential;  ///< [n_states] Phi; +inf where V* is
  std::vector<double> slack;      ///< [n_rows] B
  /// Whether B is zero exactly on the optimal actions. Undecided where a tie of the world is: an action with B > 0 may be optimal,
  /// or one with B = 0 may not.
  Verdict keeps_optimal_sets = Verdict::undecided;
  Offset row = -1;                     ///< the pair that decides (no) or leaves it open
  bounds::Interval q_distance;         ///< of max |Q^* - (Phi + B)| by solving the model; certified
  double condition_number = infinity;  ///< max |gamma^ P^ Phi| / max |L^|
  std::optional<Mdp> model;
};

/// T4: for any Phi and any B >= 0 that is zero exactly on the world's optimal actions, L^ = B + Phi - gamma^ P^ Phi has V^* = Phi,
/// Q^* = Phi + B and exactly the world's optimal action sets; every cost with that property is of this form. Phi = V*, B = A* is T1;
/// Phi = V* + phi, B = A* is potential-based shaping; Phi = 0 leaves L^ = B.
///
/// \throws InvalidArgument if shapes do not fit, values are not certified, Phi is not finite where V* is, B < 0, or no action of a state
///         has B = 0; if the model's discount is 1; or if a pair of finite B leads to V* = inf. InvalidOption.
/// Cost: equivalent_cost(), and one solve of the model.
[[nodiscard]] PotentialCost potential_cost(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                                           const PotentialCostOptions& options = {});

}  // namespace mdp::equivalence
