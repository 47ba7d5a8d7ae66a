// solvers/derivative.hpp — derivatives of values with respect to the entries of an MDP (theory.md, D1 and D4).
//
// Parameters are the raw entries: the cost of each row, the probability of each stored transition, the discount.
// A parametrisation contracts the results with its own Jacobian.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "libmdp/status.hpp"

namespace mdp::solvers {

class PolicySystem;
struct SolveResult;

/// One number for every entry of an MDP: a direction in which the entries move, or a gradient.
struct EntryDirection {
  std::vector<double> cost = {};         ///< [n_rows]
  std::vector<double> probability = {};  ///< [n_transitions], stored transitions in order (gradients: or empty)
  double discount = 0.0;
};
using EntryGradient = EntryDirection;

/// All zeros, in the shape of `mdp`.
[[nodiscard]] EntryDirection zero_direction(const Mdp& mdp);
/// Sum of the products of the entries: the derivative along `direction` of what has `gradient`.
/// \throws InvalidArgument if the shapes differ.
[[nodiscard]] double dot(const EntryGradient& gradient, const EntryDirection& direction);
/// The gradient of a file's values with respect to the file's entries, from that of costs with respect to costs:
/// of -V with respect to (-cost, probability, discount) when maximising, unchanged when minimising.
[[nodiscard]] EntryGradient in_sense(Objective objective, EntryGradient gradient);

/// What moving one probability means.
enum class EntryConvention {
  raw,        ///< the entry moves alone, its row then misses 1: d/dp(s') carries V(s')
  normalised  ///< the row is divided by its sum afterwards: d/dp(s') carries V(s') - E V, what differences see
};

/// What to do where the optimal actions are not provably unique: V* may have no derivative there (D3).
enum class AtTies {
  refuse,          ///< status `refused`, the ties listed
  use_policy,      ///< the derivative of V^pi of the solution's policy, said so by Linearisation::of_policy()
  drop_duplicates  ///< of rows with the same cost and successors the first is kept, as if the others were not there;
                   ///< what is tied then is refused
};

struct DerivativeOptions {
  EntryConvention convention = EntryConvention::raw;
  AtTies at_ties = AtTies::refuse;
  int threads = 0;  ///< 0 = all
  /// Gradients by probabilities, 8 bytes per transition; false: they are left empty, everything else is the same.
  bool probability = true;

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// A state of finite value and its actions that may be optimal: two or more positions, ascending.
struct Tie {
  State state = 0;
  std::vector<Action> actions;
};

/// Derivative of values along a direction. Everything is NaN where the value itself is infinite.
struct ForwardDerivative {
  Status status = Status::not_run;
  Level level = Level::approximate;
  std::string message;
  std::vector<double> values;               ///< [n_states] dV
  std::vector<double> q;                    ///< [n_rows] dQ
  std::vector<double> log_policy;           ///< [n_rows] d log pi of a soft point (D4), else empty
  double value_error_bound = not_computed;  ///< of every entry of `values`
  double q_error_bound = not_computed;
  double log_policy_error_bound = not_computed;
};

/// Derivative of a number f(V, Q, log pi) with respect to every entry.
struct ReverseDerivative {
  Status status = Status::not_run;
  Level level = Level::approximate;
  std::string message;
  EntryGradient gradient;       ///< 0 for rows that the policy does not select (unless f depends on their Q)
  std::vector<double> adjoint;  ///< [n_states] lambda = R_pi^T (df/dV + gamma P^T df/dQ)
  double adjoint_error_bound = not_computed;  ///< of the 1-norm
  double cost_error_bound = not_computed;     ///< of every entry of gradient.cost
  double probability_error_bound = not_computed;
  double discount_error_bound = not_computed;
};

/// The gradient of a number f with respect to what a solver returns; an empty span is zero.
/// Entries where the output is infinite must be 0.
struct OutputGradient {
  std::span<const double> values = {};      ///< [n_states] df/dV
  std::span<const double> q = {};           ///< [n_rows] df/dQ
  std::span<const double> log_policy = {};  ///< [n_rows] df/d log pi, soft points only
  double error = 0.0;  ///< how far `values` and `q` together may be from what is meant: bound of the 1-norm
};

/// Where the Bellman equation is linearised.
struct LinearisationPoint {
  Status status = Status::converged;  ///< or refused; precision_limit: doubles do not solve the system
  std::string message = {};
  std::vector<double> values = {};                  ///< [n_states] V; +inf allowed
  double value_error_bound = 0.0;                   ///< of each finite value
  std::vector<double> row_weights = {};             ///< [n_rows] pi(a|s); zeros in states of infinite value
  double row_weight_error = 0.0;                    ///< relative error of each weight
  double temperature = 0.0;                         ///< beta > 0 at a soft point, else 0
  bool of_policy = false;                           ///< V is that of a fixed policy, not an optimal one
  std::vector<Tie> ties = {};                       ///< states where several actions may be optimal
  double tie_margin = not_computed;                 ///< at V*: actions with Q* - V* above it are never called tied
  std::shared_ptr<const PolicySystem> system = {};  ///< I - gamma P_pi; null if refused
};

/// The linear equation V = L_pi + gamma P_pi V at a solution: what D1 needs, made once for many directions.
/// One solve per jvp(), one transposed solve per vjp(). Safe to use from many threads. The functions
/// linearise_optimum(), linearise_policy() and linearise_soft() make it.
class Linearisation {
 public:
  /// \throws InvalidOption; InvalidArgument if the point does not fit the MDP.
  Linearisation(const Mdp& mdp, LinearisationPoint point, const DerivativeOptions& options = {});

  /// `converged`; or `refused` or `precision_limit`: then jvp() and vjp() return results that say so, without numbers.
  [[nodiscard]] Status status() const noexcept { return point_.status; }
  [[nodiscard]] const std::string& message() const noexcept { return point_.message; }
  /// States where several actions may be optimal; empty at a policy or a soft point.
  [[nodiscard]] const std::vector<Tie>& ties() const noexcept { return point_.ties; }
  /// Whether the values are those of a fixed policy, not optimal ones.
  [[nodiscard]] bool of_policy() const noexcept { return point_.of_policy; }

  [[nodiscard]] const Mdp& mdp() const noexcept { return mdp_; }
  [[nodiscard]] const LinearisationPoint& point() const noexcept { return point_; }

  /// Forward (D1):  dV = R_pi (dL_pi + gamma dP_pi V + dgamma P_pi V),
  /// dQ = dL + gamma dP V + gamma P dV + dgamma P V,  d log pi = -(dQ - dV)/beta  (D4).
  /// \param direction  in the convention of the options; finite numbers
  /// Bound: the residual of dV in its own equation, widened by rounding and by the errors of V and pi, over
  /// 1 - gamma (C2). \throws InvalidArgument for a wrong shape or a number that is not finite.
  [[nodiscard]] ForwardDerivative jvp(const EntryDirection& direction) const;

  /// Reverse (D1):  with lambda = R_pi^T (df/dV + gamma P^T df/dQ) and rho = pi lambda + df/dQ over rows,
  /// df/dL = rho,  df/dP(s') = gamma rho V(s'),  df/dgamma = sum rho E V. Bounds as for jvp(), in the 1-norm:
  /// the columns of R_pi^T sum to 1/(1 - gamma).
  /// \throws InvalidArgument for a wrong shape, a number that is not finite, or weight on an infinite output.
  [[nodiscard]] ReverseDerivative vjp(const OutputGradient& output) const;

  /// Gradient of the performance J = rho0^T V. Refused if the initial distribution has mass where V is infinite.
  [[nodiscard]] ReverseDerivative performance_gradient() const;

 private:
  struct Weights;
  [[nodiscard]] Weights weights_of(const OutputGradient& output) const;
  void set_log_policy(ForwardDerivative& result) const;
  void set_bounds(ReverseDerivative& result, std::span<const double> rho, double residual, double weight_error,
                  double weight_norm) const;

  Mdp mdp_;
  LinearisationPoint point_;
  DerivativeOptions options_;
};

/// D1 at V* of a solved MDP: `solution` gives values, their certified bounds (made here if absent) and policy.
/// Refused unless in every state of finite value the bounds prove all actions but one to be worse (C4);
/// equally good duplicates of an action are ties, too. Costs one pass over the transitions and a factorisation.
/// \throws InvalidArgument if the solution does not fit the MDP or the discount is 1; InvalidOption.
[[nodiscard]] Linearisation linearise_optimum(const Mdp& mdp, const SolveResult& solution,
                                              const DerivativeOptions& options = {});

/// The gradient of rho0^T V*, and what stands in its way.
struct OptimumGradient {
  ReverseDerivative reverse;  ///< status refused at ties, unless the options say otherwise
  std::vector<Tie> ties;      ///< those that count
  bool of_policy = false;     ///< of the value of the solution's policy, not of V* (AtTies::use_policy)
  double tie_margin = not_computed;
};

/// D1 for the one number rho0^T V*. Ties count only in states of positive occupancy under some optimal policy: where an
/// optimal policy never goes, whichever action is taken has adjoint 0. Everything else as linearise_optimum().
[[nodiscard]] OptimumGradient optimum_gradient(const Mdp& mdp, const SolveResult& solution,
                                               const DerivativeOptions& options = {});

/// The same at V^pi of a fixed policy, which is evaluated here. Discount below 1.
[[nodiscard]] Linearisation linearise_policy(const Mdp& mdp, std::span<const Action> policy,
                                             const DerivativeOptions& options = {});
[[nodiscard]] Linearisation linearise_policy(const Mdp& mdp, std::span<const double> stochastic_policy,
                                             const DerivativeOptions& options = {});

}  // namespace mdp::solvers
