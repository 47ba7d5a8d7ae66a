// equivalence/equivalent_model.hpp — the model nearest a reference that decides like the world (T6, T7).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "equivalence/confirmation.hpp"
#include "equivalence/known_values.hpp"
#include "equivalence/model_defect.hpp"
#include "equivalence/row_projection.hpp"
#include "equivalence/scope.hpp"
#include "equivalence/support.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/status.hpp"

namespace mdp::equivalence {

struct EquivalentModelOptions {
  /// gamma^; the reference's if absent.
  std::optional<Discount> discount = {};
  Divergence divergence = Divergence::kl;
  Support support = {};
  /// c of T7: the model is to have Q^* = Q* + c. Absent: the best one, that minimises the sum of the divergences (a convex
  /// divergence is required). Finite, in cost sense.
  std::optional<double> shift = 0.0;
  /// The neighbour graph of SupportRule::within and of Wasserstein-1; the world's transitions if absent.
  const graph::NeighbourGraph* graph = nullptr;
  /// The ground metric of Wasserstein-1, in place of distances in the graph.
  Metric metric = {};
  /// [n_rows] samples behind each row of the reference, for Divergence::likelihood; one each if empty.
  std::span<const double> counts = {};
  std::span<const double> direction = {};  ///< [n_states] g of Divergence::linear, finite
  std::uint64_t seed = 1;                  ///< of Divergence::uniform
  int threads = 0;                         ///< 0 = all; the same bits for any number

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// A row that cannot meet its moment equation. In cost sense.
struct InfeasibleRow {
  Offset row = 0;
  double target = not_computed;  ///< tau; +-inf at gamma^ = 0, +inf where Q* is
  double low = infinity;         ///< min_D V*, +inf without any D
  double high = -infinity;       ///< max_D V*
};

/// The shifts c for which every row is feasible (T7), for the values as they were given.
struct ShiftInterval {
  bounds::Interval range;  ///< lower > upper by more than `error`: there is none
  /// Each end is that of V* up to this: (gamma + gamma^)/(1 - gamma^) radius, and rounding. not_computed: not certified.
  double error = not_computed;

  [[nodiscard]] bool empty() const noexcept { return range.lower > range.upper + 2.0 * (error > 0.0 ? error : 0.0); }
};

/// Numbers in cost sense; [n_rows] in the order of the rows.
struct EquivalentModelResult {
  /// converged: every row meets its equation; refused: some cannot, or gamma^ = 1 and M(c) of T3 fails (scope
  /// finite_horizon: right for N stages with terminal cost V*).
  Status status = Status::not_run;
  Level level = Level::approximate;  ///< that of the world's values
  Scope scope = Scope::none;
  std::string message;

  std::vector<RowOutcome> outcome;      ///< [n_rows]
  std::vector<double> multiplier;       ///< [n_rows] d divergence / d tau; +-inf at an end, NaN if infeasible
  std::vector<double> divergence;       ///< [n_rows] of rho^ from r, >= 0; +inf if infeasible (see Divergence)
  std::vector<double> duality_gap;      ///< [n_rows] divergence - dual value: 0 but for rounding
  std::vector<double> moment_residual;  ///< [n_rows] E_rho^[V*] - tau; 0 where there is no equation

  double sum_divergence = 0.0;  ///< over feasible rows
  double max_divergence = 0.0;  ///< over feasible rows
  Offset max_divergence_row = -1;
  double max_duality_gap = 0.0;
  Offset n_changed = 0;  ///< rows that are projected
  Offset n_infeasible = 0;
  Offset first_infeasible_row = -1;
  std::vector<InfeasibleRow> infeasible;  ///< ascending

  /// c: Q^* = Q* + c is aimed at. gamma^ = 1: the gain of the average criterion instead, Q* = L - gain + P^ V*.
  double shift = 0.0;
  ShiftInterval shift_interval;
  /// With the best shift: sum_divergence is at most this above its least value over the interval (convexity: it lies above its
  /// tangents), for the values as they were given and but for rounding; not_computed for a shift that was given.
  double shift_suboptimality = not_computed;

  /// T9 for the result: Delta = gamma^ E_rho^[V*] - gamma E_rho[V*], which the shift makes c (1 - gamma^).
  ModelDefect defect;
  double epsilon = not_computed;        ///< proved: max |Delta - c (1 - gamma^)|
  double q_error_bound = not_computed;  ///< proved: max |Q^* - Q* - c| (T9, T7)

  /// gamma^ = 1: c of M(c), the bias is V* - c; [-inf, inf] else.
  bounds::Interval constant;
  /// gamma^ = 1 and M(c): the model solved, gain `shift` and bias V* - c (T3); not certified. Other models are solved by verify() (candidate.hpp).
  std::optional<Confirmation> confirmation;
  /// rho^ with the world's shape, costs L^ = L and names, and gamma^. Engaged whenever the call returned.
  std::optional<Mdp> model;
  double seconds = 0.0;
};

/// What the solutions of each row look like: the polytope of T6. [n_rows]; -1 and 0 where a row is infeasible, and where there is
/// no equation.
struct PolytopeTable {
  std::vector<Offset> dimension;
  std::vector<Offset> n_vertices;
};

/// T6: keeping the world's cost (L^ = L, where L(s,a) = E_rho[l(s,a,s')] stays as it is, never E_rho^[l]), Q^* = Q* iff each
/// row meets  E_rho^[V*] = tau,  tau = (gamma/gamma^) E_rho[V*];  T7: Q^* = Q* + c iff  tau = (gamma E_rho[V*] + c (1 -
/// gamma^))/gamma^. Among the rows with support in D that do, returns the one nearest the reference row r
/// (row_projection.hpp), row by row.
///
/// Where tau lies outside [min_D V*, max_D V*] the row is infeasible: the nearest row is returned, at a distance that the
/// defect reports, gamma^ dist(tau, [min_D V*, max_D V*]). Ends are met up to the enclosure of V*. A deterministic row is
/// feasible only where some V*(s') is tau. If no shift is feasible, the one in the middle of the gap is used, which makes the
/// largest defect smallest.
/// gamma^ = 0 needs gamma E_rho[V*] + c = 0; gamma^ = 1: condition M(0) of T3 decides about the undiscounted sum
/// (boundary_term.hpp), and solving the model must confirm it: converged then, level approximate.
/// Probabilities below the smallest double vanish from the support.
///
/// \param world         any discount; V* is that of the world's own criterion
/// \param reference     rows r; its costs are not read. Pass the world itself or a fit to data
/// \throws InvalidArgument if the shapes differ, values do not fit, or (likelihood, reverse_kl) the reference puts mass
/// outside D, naming the pair; InvalidOption.
/// Cost: three passes over the transitions of each and those of RowProjection over the others; for the best shift, that some
/// ten to fifty times. Memory beyond the result: O(n_rows); the neighbour graph where it is used.
[[nodiscard]] EquivalentModelResult equivalent_model(const Mdp& world, const KnownValues& world_values,
                                                     const Mdp& reference, const EquivalentModelOptions& options = {});

/// Dimension and number of vertices of the solutions of every row, on the support, for the discount and the shift (which must be
/// given) of the options. \throws as equivalent_model(). Cost: one pass, O(|D|) per row.
[[nodiscard]] PolytopeTable equivalent_polytopes(const Mdp& world, const KnownValues& world_values,
                                                 const Mdp& reference, const EquivalentModelOptions& options = {});

}  // namespace mdp::equivalence
