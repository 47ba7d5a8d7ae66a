// equivalence/correction.hpp — correcting a model's cost or transitions while Q* is not known yet.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "equivalence/known_values.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/status.hpp"
#include "solvers/options.hpp"

namespace mdp::equivalence {

/// What is corrected with the current V.
enum class Correction {
  cost,  ///< L_k = L + gamma P V_k - gamma^ P^ V_k, transitions stay
  model  ///< rho_k = the KL-nearest rows to the model's with gamma^ E V_k = gamma E_rho V_k, the world's cost stays
};

struct CorrectionOptions {
  Correction correction = Correction::cost;
  std::int64_t max_iterations = 1000;  ///< >= 1
  double tolerance = 1e-9;             ///< stops where max |V_{k+1} - V_k| is at most this; >= 0
  solvers::SolveOptions solve = {};    ///< of the model, in each iteration
  std::vector<double> start = {};      ///< [n_states] V_0, or empty: the model's own V^* with the world's cost

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// One iteration. Cost sense.
struct CorrectionStep {
  double change = not_computed;  ///< max |V_{k+1} - V_k|
  double error = not_computed;   ///< max |V_{k+1} - V*|, if V* was given
  double rate = not_computed;    ///< change over that of the step before
};

struct CorrectionResult {
  /// converged: the change is within the tolerance; sweep_limit: it is not after max_iterations; refused: it grows without
  /// bound, or rows cannot meet their equation.
  Status status = Status::not_run;
  std::string message;
  std::vector<CorrectionStep> steps;
  std::vector<double> values;  ///< [n_states] the last V
  Policy policy;               ///< the model's optimal policy in the last iteration
  std::optional<Mdp> model;    ///< the corrected model of the last iteration
  /// kappa = max_{s,a} ||gamma rho - gamma^ rho^||_1 / (1 - gamma^): each step makes the error at most kappa times as large
  /// (section 3 of the theory; cost correction). Below 1: V_k -> V*, and |V - V*| <= change kappa / (1 - kappa) after a step.
  double kappa = not_computed;
  /// That bound after the last step, solver's own error included: infinity where kappa >= 1 or for Correction::model.
  double error_bound = infinity;
};

/// V_{k+1} = V^* of the corrected model (operator splitting; Rakhsha et al. 2022, "Operator splitting value iteration", for
/// the cost). The world is needed for gamma E_rho V_k only, never solved: in practice an average over samples. Fixed point V*.
/// \param truth  V* of the world, for the errors of the steps; or nothing
/// \throws InvalidArgument if the shapes differ, gamma^ = 1 or V becomes infinite; InvalidOption.
[[nodiscard]] CorrectionResult correct_iteratively(const Mdp& world, const Mdp& model,
                                                   const CorrectionOptions& options = {},
                                                   const std::optional<KnownValues>& truth = {});

}  // namespace mdp::equivalence
