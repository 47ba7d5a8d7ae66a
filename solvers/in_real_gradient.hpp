// solvers/in_real_gradient.hpp — how the world's performance depends on the model (theory.md, D8).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/status.hpp"
#include "solvers/derivative.hpp"
#include "solvers/soft.hpp"

namespace mdp::solvers {

/// Policy gradient of J(pi) = rho0^T V^pi with respect to logits: pi(a|s) ∝ exp(nu(s,a)).
struct PolicyGradient {
  Status status = Status::not_run;
  Level level = Level::approximate;
  std::string message;
  double performance = not_computed;  ///< J, discounted, no entropy term
  double performance_error_bound = not_computed;
  std::vector<double> values;          ///< [n_states] V^pi
  std::vector<double> advantage;       ///< [n_rows] Q^pi - V^pi; +inf = inadmissible; NaN where V^pi = inf
  std::vector<double> occupancy;       ///< [n_states] d = R_pi^T rho0, sums to 1/(1 - gamma)
  std::vector<double> logit_gradient;  ///< [n_rows] w = d pi A^pi, sums to 0 in each state
  double logit_gradient_error_bound = not_computed;  ///< bound of the 1-norm of its error
};

/// Exact policy gradient: one solve, one transposed solve. Refused if J is infinite, a state named.
/// \param relative_policy_error  |meant pi - pi| <= this * pi in every row; 0: pi is what is meant
[[nodiscard]] PolicyGradient policy_gradient(const Mdp& mdp, std::span<const double> stochastic_policy,
                                             double relative_policy_error = 0.0, int threads = 0);

struct InRealOptions {
  SoftOptions soft = {};  ///< how the model is solved; the temperature above all. `polish` is always on
  EntryConvention convention = EntryConvention::raw;
};

/// J of the world under the model's soft-optimal policy, and its gradient with respect to the model's entries.
struct InRealGradient {
  Status status = Status::not_run;
  Level level = Level::approximate;
  std::string message;
  double performance = not_computed;  ///< J(pi_beta) in the world, cost sense, no entropy term
  double performance_error_bound = not_computed;
  EntryGradient gradient;  ///< with respect to the model's costs, probabilities, discount
  double cost_error_bound = not_computed;
  double probability_error_bound = not_computed;
  double discount_error_bound = not_computed;
  /// Checks of D8, 0 but for rounding; gradient.cost is the adjoint lambda over pairs.
  double sum_defect = not_computed;            ///< |sum lambda|
  double state_balance_defect = not_computed;  ///< max_s |sum_a lambda(s,a) - gamma P^T lambda (s)|
  SoftResult model;                            ///< the model's solution
  PolicyGradient world;                        ///< occupancy, advantages, logit gradient in the world
};

/// D8: with w(s,a) = d(s) pi(a|s) A^pi(s,a) of the world, lambda = -w/beta + gamma (P Pi)^T lambda over the model's pairs;
/// dJ/dcost = lambda, dJ/dprobability(s') = gamma lambda V_beta(s'), dJ/ddiscount = sum lambda E V_beta.
/// Cost: one soft solution of the model, one solve and one transposed solve in the world, one transposed solve in
/// the model, whatever the number of parameters.
///
/// World and model: the same states with the same numbers of actions, matched by position; all else may differ.
/// Refused if J is infinite or the world visits a state where the model's policy is undefined (value +inf), named.
/// \throws InvalidArgument if the shapes differ or a discount is 1; InvalidOption.
[[nodiscard]] InRealGradient in_real_gradient(const Mdp& world, const Mdp& model, const InRealOptions& options = {});

}  // namespace mdp::solvers
