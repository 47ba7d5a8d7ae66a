// equivalence/candidate.hpp — how wrong is a candidate model, and what does it cost in the world? (T9, C3)
#pragma once

#include <string>
#include <vector>

#include "equivalence/known_values.hpp"
#include "equivalence/model_defect.hpp"
#include "equivalence/q_distance.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "libmdp/status.hpp"
#include "solvers/solve.hpp"

namespace mdp::equivalence {

struct CandidateOptions {
  solvers::SolveOptions solve = {};  ///< for the model and for the evaluation of its policy; level certified
};

/// Numbers in cost sense.
struct CandidateResult {
  Status status = Status::not_run;  ///< of the model's solve, then of the evaluation; bounds hold whatever it is
  std::string message;
  solvers::SolveResult model;  ///< Q^* side: the candidate solved
  ModelDefect defect;          ///< T9
  QDistance distance;          ///< certified Q^* - Q*

  std::vector<double> policy_value;      ///< [n_states] V^pi in the world of the model's policy
  std::vector<double> regret;            ///< [n_states] V^pi - V*
  std::vector<double> regret_lower;      ///< [n_states] certified, >= 0
  std::vector<double> regret_upper;      ///< [n_states] certified
  bounds::Interval max_regret;           ///< max_s (V^pi - V*)(s)
  double initial_regret = not_computed;  ///< rho0 (V^pi - V*), rho0 the world's
  bounds::Interval initial_regret_bounds;

  /// C3: max_s sp_a(Q^* - Q*) / (1 - gamma) >= regret, with the slack of a policy that is greedy to rounding only.
  double regret_bound_c3 = not_computed;
  /// T9 and C3: sp(Delta) / ((1 - gamma^)(1 - gamma)) >= regret, with the same slack. Needs no solve of the model.
  double regret_bound_t9 = not_computed;
  double seconds = 0.0;
};

/// Solves the candidate, compares Q^* with Q* and evaluates the candidate's optimal policy in the world.
/// \param world_values  certified
/// \throws InvalidArgument if the shapes differ, values do not fit or are not certified.
[[nodiscard]] CandidateResult assess_candidate(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                                               const CandidateOptions& options = {});

/// What solving a model says about ||Q^* - Q*||, beside what T9 says without solving it.
struct Verification {
  Status status = Status::not_run;  ///< of the model's solve; refused if gamma^ = 1
  std::string message;
  solvers::SolveResult model;
  QDistance distance;         ///< distance.norm.upper is the certified bound on ||Q^* - Q*||
  double promise = infinity;  ///< T9: epsilon / (1 - gamma^), for the model as stored

  /// Solving confirms the promise. Stored costs and probabilities are rounded: Q^* = Q* to the last digit is not promised.
  [[nodiscard]] bool holds() const noexcept { return status == Status::converged && distance.norm.lower <= promise; }
};

/// Solves the model, as equivalent_cost() or equivalent_model() returned it, and encloses ||Q^* - Q*||.
/// \param shift  c of T7: everything is about ||Q^* - Q* - c||
/// \throws InvalidArgument as assess_candidate().
[[nodiscard]] Verification verify(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                                  const solvers::SolveOptions& options = {}, double shift = 0.0);

}  // namespace mdp::equivalence
