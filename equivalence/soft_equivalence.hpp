// equivalence/soft_equivalence.hpp — T1 for entropy-regularised values.
#pragma once

#include <optional>
#include <string>
#include <vector>

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

}  // namespace mdp::equivalence
