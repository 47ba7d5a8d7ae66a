// solvers/undiscounted_derivative.hpp — derivatives of total costs until a goal, and of gain and bias (D1 at discount 1).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "libmdp/status.hpp"
#include "solvers/criterion.hpp"
#include "solvers/derivative.hpp"

namespace mdp::solvers {

/// D1 for the sum of costs until a goal state (Criterion::goal): V = L_pi + P_pi V off the goals, 0 on them. Where pi reaches a
/// goal with probability 1 from every state of finite value, I - P_pi is regular there, and everything holds as with a
/// discount, at gamma = 1; the bounds have the proved number of steps to the goal in place of 1/(1 - gamma). Entries of the
/// rows of goals do not count, the discount is 1: its derivative is that of the sum discounted until the goal.
///
/// The same for the probability of reaching the goal (Criterion::reach), which is P_pi V with 1 at the goals (-1 when
/// maximising), and with 0 where the graph says so: what is left ends in one or the other. Costs do not count.
///
/// V^pi of a fixed policy, a solution of the same system. Where pi misses the goal with positive probability, `goal` has neither a value nor a
/// derivative: small changes of P make it jump.
/// \throws InvalidArgument  another criterion, a policy that is not one of the MDP, or takes an inadmissible row; InvalidOption
[[nodiscard]] Linearisation linearise_until_goal(const Mdp& mdp, Criterion criterion, std::span<const Action> policy,
                                                 const DerivativeOptions& options = {});

/// V* of solve_criterion() for goal or reach: as linearise_optimum(), refused at ties. \throws as it.
[[nodiscard]] Linearisation linearise_until_goal(const Mdp& mdp, const CriterionResult& solution,
                                                 const DerivativeOptions& options = {});

/// The gradient of rho0^T V*, as optimum_gradient(). Ties count in states that an optimal policy visits, and in cycles of
/// tied actions within reach of any policy: such a cycle costs nothing, and if it gets cheaper the sum falls to -inf.
[[nodiscard]] OptimumGradient until_goal_gradient(const Mdp& mdp, const CriterionResult& solution,
                                                  const DerivativeOptions& options = {});

/// Gain g and bias h of a policy with one recurrent class within reach of the initial distribution: g + h = L_pi + P_pi h,
/// mu^T h = 0, mu the stationary distribution. Then, with the deviation matrix D = (I - P_pi + 1 mu^T)^{-1} - 1 mu^T,
///     dg = mu^T (dL + dP h),   dh = D (dL + dP h - dg 1) - (mu^T dP D h) 1.
/// Probabilities in the convention `normalised`, whatever the options say: moved alone, a row that misses 1 has no gain. Policies
/// with several recurrent classes are refused.
///
/// How: a recurrent state t that is visited often is made absorbing. Visits to the states between two visits to t are a
/// transposed solution of I - P_pi until absorption, and mu in proportion to them; D x for mu^T x = 0 is a solution, less its
/// mean. One factorisation, sparse; all bounds follow from that of the expected time to t.
class GainLinearisation {
 public:
  /// \throws InvalidArgument  a policy that is none, an inadmissible row taken; InvalidOption
  GainLinearisation(const Mdp& mdp, std::span<const Action> policy, const DerivativeOptions& options = {});

  [[nodiscard]] Status status() const noexcept { return status_; }  ///< converged, refused or precision_limit
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  [[nodiscard]] double gain() const noexcept { return gain_; }
  [[nodiscard]] double gain_error_bound() const noexcept { return gain_error_; }
  /// [n_states] h, NaN in states from which the policy may end in another recurrent class.
  [[nodiscard]] const std::vector<double>& bias() const noexcept { return bias_; }
  [[nodiscard]] double bias_error_bound() const noexcept { return bias_error_; }
  [[nodiscard]] const std::vector<double>& stationary() const noexcept { return stationary_; }  ///< [n_states] mu
  [[nodiscard]] double stationary_error_bound() const noexcept { return stationary_error_; }    ///< of the 1-norm

  struct Change {
    double gain = 0.0;
    double gain_error_bound = not_computed;
    std::vector<double> bias;  ///< [n_states], NaN as the bias
    double bias_error_bound = not_computed;
  };
  /// \throws InvalidArgument for a wrong shape, a number that is not finite, or a point that is refused
  [[nodiscard]] Change jvp(const EntryDirection& direction) const;
  /// Gradient of the gain: mu pi by costs, mu pi (h(s') - E h) by probabilities; the adjoint is mu.
  [[nodiscard]] ReverseDerivative gain_gradient() const;

 private:
  struct Centred;
  [[nodiscard]] std::string find_class(std::span<const Action> policy);
  void find_stationary();
  void find_bias();
  [[nodiscard]] Centred deviation(std::vector<double> x, double error) const;

  Mdp mdp_;
  DerivativeOptions options_;
  std::vector<double> row_weights_;  // 1 for the policy's rows in the states that end in its class for sure
  std::vector<char> inside_;         // [n_states] those states
  State reference_ = -1;
  std::shared_ptr<const PolicySystem> system_;  // until the reference is reached
  double gain_ = not_computed, gain_error_ = infinity;
  std::vector<double> bias_, stationary_;
  double bias_error_ = infinity, stationary_error_ = infinity;
  Status status_ = Status::converged;
  std::string message_;
};

/// The gradient of the optimal gain from the initial distribution; `solution` is that of Criterion::average. Refused where an
/// optimal policy may have several recurrent classes, and at ties: two actions, neither of them proved worse, in a state of an
/// end component of such actions. Elsewhere ties do not count: actions of transient states do not move the gain.
/// \throws InvalidArgument if the solution does not fit the MDP; InvalidOption
[[nodiscard]] OptimumGradient gain_optimum_gradient(const Mdp& mdp, const CriterionResult& solution,
                                                    const DerivativeOptions& options = {});

}  // namespace mdp::solvers
