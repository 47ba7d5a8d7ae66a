// equivalence/criterion_change.hpp — equivalent costs between criteria: the twenty-five cells of T3.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "equivalence/boundary_term.hpp"
#include "equivalence/confirmation.hpp"
#include "equivalence/equivalent_cost.hpp"
#include "equivalence/world_target.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/criterion.hpp"

namespace mdp::equivalence {

struct CriterionChangeOptions {
  solvers::Criterion criterion = solvers::Criterion::discounted;  ///< of the model; not reach
  std::int64_t horizon = -1;          ///< finite: N^ >= 1 stages; at most those of a finite world
  std::vector<double> terminal = {};  ///< finite: [n_states] a terminal cost that is given; empty = V* (T2)
  bool exclude_violations = false;    ///< as EquivalentCostOptions
  solvers::SolveOptions solve = {};   ///< for the model

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// Numbers in cost sense.
struct CriterionChange {
  /// converged: constructed, conditions proved and confirmed by solving the model; refused: see message.
  Status status = Status::not_run;
  std::string message;
  EquivalentCostResult cost;  ///< L^, its conditions and bounds; of the last stage but one if stages differ
  bounds::Interval shift;     ///< c:  Q^* = Q* - c
  double spread =
      0.0;  ///< proved:  Q^* lies in [Q* - c, Q* - c + spread]; 0 but for means that bounds cannot tell apart
  std::optional<BoundaryTerm> boundary;            ///< undiscounted models: condition M(c)
  std::vector<std::vector<double>> cost_by_stage;  ///< finite, where stages differ: [N^][n_rows]
  std::vector<double> terminal;                    ///< finite: [n_states] terminal cost of the model
  std::optional<Confirmation> confirmation;
  std::optional<Mdp>
      model;  ///< with L^ (of stage 0), the discount 1 where the criterion does not discount, and goals for `goal`
};

/// T3: L^ = Q* - gamma^ P^ V* from any world criterion to any model criterion, or the condition that fails:
/// - model discounted: none. Model finite: none but N^ <= N for a finite world, stage by stage (T2).
/// - model goal: V* = c on the goals, whose actions have advantage 0, and zero-advantage actions reach them almost surely.
/// - model total (Cesaro) and average (gain 0, bias V* - c): condition M(c), boundary_term().
/// A finite world in another model: one stage k, that of the target (k = 0: receding horizon).
///
/// TC(a) as equivalent_cost(). With gamma^ = 1 ties are taken as equal (EquivalentCostOptions::ties_as_equal), and the statement is about
/// the Q that is so reproduced, within cost.q_error_bound of Q*.
/// \param target  of the world, status converged; its world's shape. \param model  rho^ and gamma^; its costs are not read
/// \param world_criterion_options  finite worlds: horizon and terminal cost, to solve their other stages
/// \throws InvalidArgument, InvalidOption as equivalent_cost(); discount 1 with criterion discounted.
[[nodiscard]] CriterionChange change_criterion(const Mdp& world, const WorldTarget& target,
                                               const solvers::CriterionOptions& world_criterion_options,
                                               const Mdp& model, const CriterionChangeOptions& options = {});

}  // namespace mdp::equivalence
