// equivalence/equivalent_model.hpp — the model nearest a reference that decides like the world (T6).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "equivalence/information_projection.hpp"
#include "equivalence/known_values.hpp"
#include "equivalence/model_defect.hpp"
#include "equivalence/scope.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/status.hpp"

namespace mdp::equivalence {

struct EquivalentModelOptions {
  /// gamma^; the reference's if absent.
  std::optional<Discount> discount = {};
  int threads = 0;  ///< 0 = all; the same bits for any number

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// Numbers in cost sense; [n_rows] in the order of the rows.
struct EquivalentModelResult {
  /// converged: every row meets its equation; refused: some cannot, or gamma^ = 1 (scope finite_horizon).
  Status status = Status::not_run;
  Level level = Level::approximate;  ///< that of the world's values
  Scope scope = Scope::none;
  std::string message;

  std::vector<RowOutcome> outcome;      ///< [n_rows]
  std::vector<double> multiplier;       ///< [n_rows] lambda, 1/cost; +-inf at the boundary, NaN if infeasible
  std::vector<double> divergence;       ///< [n_rows] KL(rho^ || r) in nats, >= 0; +inf if infeasible
  std::vector<double> duality_gap;      ///< [n_rows] divergence - dual value: 0 but for rounding
  std::vector<double> moment_residual;  ///< [n_rows] E_rho^[V*] - tau; 0 where there is no equation

  double sum_divergence = 0.0;  ///< over feasible rows
  double max_divergence = 0.0;  ///< over feasible rows
  Offset max_divergence_row = -1;
  double max_duality_gap = 0.0;
  Offset n_tilted = 0;
  Offset n_infeasible = 0;
  Offset first_infeasible_row = -1;

  /// T9 for the result: Delta = gamma^ E_rho^[V*] - gamma E_rho[V*], epsilon = max |Delta|, bound on Q^* - Q*.
  ModelDefect defect;

  /// rho^ with the world's shape, costs L^ = L and names, and gamma^. Engaged whenever the call returned.
  std::optional<Mdp> model;
  double seconds = 0.0;
};

/// T6: keeping the world's cost (L^ = L, where L(s,a) = E_rho[l(s,a,s')] stays as it is, never E_rho^[l]), Q^* = Q* iff each
/// row meets  E_rho^[V*] = tau,  tau = (gamma/gamma^) E_rho[V*].  Among the rows that do, with support in
/// D = supp r and {V* < inf}, returns the information projection of the reference row r (Csiszar, 1975):
///     minimise KL(rho^ || r):  rho^ = r exp(lambda V*) / Z,  lambda the root of E_rho^[V*] = tau.
///
/// The root is that of  log sum_{V>tau} r (V - tau) e^{lambda V} - log sum_{V<tau} r (tau - V) e^{lambda V},
/// nearly linear in lambda with slope in [gap, 1] (spread of V* on D scaled to 1), so that Newton's method within a proved
/// bracket is safe for any size of V* and meets the equation to a few ulps of the spread (information_projection.hpp).
/// Probabilities below the smallest double vanish from the support.
///
/// Where tau lies outside [min_D V*, max_D V*] the row is infeasible: the nearest row is returned, at a distance that the
/// defect reports, gamma^ dist(tau, [min_D V*, max_D V*]). Ends are met up to the enclosure of V*.
/// gamma^ = 0 needs gamma E_rho[V*] = 0; gamma^ = 1: status refused and scope finite_horizon as in equivalent_cost().
///
/// \param world         any discount; V* is that of the world's own criterion
/// \param reference     rows r; its costs are not read. Pass the world itself or a fit to data
/// \throws InvalidArgument if the shapes differ or values do not fit; InvalidOption.
/// Cost: three passes over the transitions of each and some ten over those of tilted rows, an exponential per entry; memory O(n_rows) and
/// the arrays of the result.
[[nodiscard]] EquivalentModelResult equivalent_model(const Mdp& world, const KnownValues& world_values,
                                                     const Mdp& reference, const EquivalentModelOptions& options = {});

}  // namespace mdp::equivalence
