// equivalence/soft_equivalence.hpp — T1, T6 and T7 for entropy-regularised values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "equivalence/equivalent_model.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/status.hpp"
#include "solvers/soft.hpp"

namespace mdp::equivalence {

/// Numbers in cost sense.
struct SoftEquivalence {
  Status status = Status::not_run;  ///< of the model's soft solve
  std::string message;
  std::vector<double> cost;                    ///< [n_rows] L^
  std::optional<Mdp> model;                    ///< the model that carries it
  solvers::SoftResult solved;                  ///< of that model
  double value_distance_bound = not_computed;  ///< proved: >= max |V^_beta - V_beta|
  /// Proved: >= max |log pi^_beta - log pi_beta| over the rows that can be taken.
  double log_policy_distance_bound = not_computed;
};

/// L^(s,a) = Q_beta(s,a) - gamma^ sum rho^(s'|s,a) V_beta(s') gives Q^_beta = Q_beta, V^_beta = V_beta and the same soft policy,
/// for any rho^ and any gamma^ < 1, with the same beta and reference policy mu (T1 with -beta log sum mu exp(-./beta) for the
/// minimum: by the same telescoping). The model is solved to confirm it.
/// \param solution  of the world, by solve_soft() with the same options
/// \throws InvalidArgument if the shapes differ, gamma^ = 1 or a value is infinite.
[[nodiscard]] SoftEquivalence soft_equivalent_cost(const Mdp& world, const solvers::SoftResult& solution,
                                                   const Mdp& model, const solvers::SoftOptions& options);

/// Rows instead of costs.
struct SoftModel {
  Status status = Status::not_run;  ///< refused as `rows` is; else of the model's soft solve
  std::string message;
  EquivalentModelResult rows;                  ///< what equivalent_model() says for V_beta
  solvers::SoftResult solved;                  ///< of rows.model, where it is not refused
  double value_distance_bound = not_computed;  ///< proved: >= max |V^_beta - V_beta - c|
  double log_policy_distance_bound = not_computed;
};

/// The nearest model with L^ = L and Q^_beta = Q_beta + c: each row meets the moment equation of T6 and T7 with V_beta in the place of V*, since
/// Q_beta = L + gamma E_rho[V_beta] is all that a row has to give. The bounds of T9 hold verbatim. gamma^ < 1. The model is solved to confirm it.
/// \param solution  of the world, by solve_soft() with the same options
/// \throws as soft_equivalent_cost() and equivalent_model().
[[nodiscard]] SoftModel soft_equivalent_model(const Mdp& world, const solvers::SoftResult& solution,
                                              const Mdp& reference, const EquivalentModelOptions& rows,
                                              const solvers::SoftOptions& options);

}  // namespace mdp::equivalence
