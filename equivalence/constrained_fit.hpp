// equivalence/constrained_fit.hpp — the most likely model among those near equivalence, and what equivalence costs in likelihood.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "equivalence/candidate.hpp"
#include "equivalence/fit.hpp"
#include "equivalence/known_values.hpp"
#include "equivalence/model_defect.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/status.hpp"
#include "libmdp/transition_data.hpp"

namespace mdp::equivalence {

struct ConstrainedFitOptions {
  /// Support of the rows (FitSupport), smoothing (pseudo-counts are data), and what pairs without data become before they are
  /// moved to their equation.
  FitOptions fit = {};
  /// Largest |Delta| of T9 that a row may have; 0: exact equivalence (T6). >= 0, in units of cost.
  double budget = 0.0;
  int threads = 0;  ///< 0 = all; the same bits for any number

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// Numbers in cost sense.
struct ConstrainedFit {
  /// converged: every row is within the budget; refused: some cannot be on their support (the nearest are given).
  Status status = Status::not_run;
  std::string message;
  std::optional<Mdp> model;
  double log_likelihood = 0.0;  ///< of the data under the model; -inf where a row had to forbid what was seen
  Offset n_moved = 0;           ///< rows that differ from the maximum-likelihood fit
  Offset n_infeasible = 0;
  ModelDefect defect;  ///< T9: epsilon is proved
};

/// Maximises the likelihood of the data over the models with  |gamma (E_rho^[V*] - E_rho[V*])| <= budget  in every row, the
/// world's cost and discount kept (so that Q^* = Q* for budget 0, T6; |Q^* - Q*| <= epsilon/(1 - gamma), T9).
///
/// Rows are independent, and the likelihood of a row is concave: a row whose frequencies meet the budget stays; any other
/// goes to the nearer end of its interval, where its most likely distribution is that of empirical likelihood (Owen 2001;
/// row_projection.hpp, likelihood). So the models for all budgets are the whole Pareto front of log-likelihood against
/// epsilon: no penalty weight is scanned.
/// \param world_values  V* of the world; certified, for the bounds of `defect`
/// \throws InvalidArgument, InvalidOption.
[[nodiscard]] ConstrainedFit fit_within(const Mdp& world, const KnownValues& world_values,
                                        const TransitionCounts& counts, const ConstrainedFitOptions& options = {});

/// One point of the front.
struct ParetoPoint {
  double budget = 0.0;
  double epsilon = not_computed;         ///< T9, proved
  double log_likelihood = not_computed;  ///< of the data
  bounds::Interval regret;               ///< max over states, certified, of the model's optimal policy in the world
  double initial_regret = not_computed;
  Status status = Status::not_run;
};

/// The front at `n_points` budgets: from the defect of the maximum-likelihood fit down to 0, the budgets between them in
/// geometric steps over four decades. \param n_points  >= 2
[[nodiscard]] std::vector<ParetoPoint> pareto_front(const Mdp& world, const KnownValues& world_values,
                                                    const TransitionCounts& counts,
                                                    const ConstrainedFitOptions& options, std::int64_t n_points,
                                                    const CandidateOptions& assess = {});

}  // namespace mdp::equivalence
