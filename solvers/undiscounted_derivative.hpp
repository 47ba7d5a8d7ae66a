// solvers/undiscounted_derivative.hpp — derivatives of total costs until a goal, and of gain and bias (D1 at discount 1).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "libmdp/status.hpp"
#include "solvers/derivative.hpp"

namespace mdp::solvers {

struct UndiscountedOptions {
  /// Ask that no other action is as good, within `tie_tolerance` of the largest |value|: then the derivatives are those of the
  /// optimal values. false: those of the policy's.
  bool optimal = true;
  double tie_tolerance = 1e-9;     ///< > 0
  std::int64_t max_states = 4000;  ///< the system is factorised densely: 8 n^2 bytes, n^3/3 operations

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// The sum of costs until a goal state, of a policy that reaches one with probability 1 from every state: V = L_pi + P_pi V
/// off the goals, 0 on them. (I - P_pi) is regular there, V differentiable, D1 holds with gamma = 1; the discount itself does
/// not move. Improper policies are refused: V is infinite or not unique, and small changes of P make it jump.
/// Results are at level approximate.
class GoalLinearisation {
 public:
  /// \throws InvalidArgument a policy that is none, an inadmissible row taken, too many states; InvalidOption
  GoalLinearisation(const Mdp& mdp, std::span<const Action> policy, const UndiscountedOptions& options = {});
  ~GoalLinearisation();
  GoalLinearisation(GoalLinearisation&&) noexcept;

  [[nodiscard]] Status status() const noexcept { return status_; }  ///< converged or refused
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  [[nodiscard]] const std::vector<double>& values() const noexcept { return values_; }  ///< [n_states]
  /// dV along a direction (raw; rows of goals and the discount do not count). \throws InvalidArgument, also if refused
  [[nodiscard]] std::vector<double> jvp(const EntryDirection& direction) const;
  /// Gradient of g . V (raw).
  [[nodiscard]] EntryGradient vjp(std::span<const double> g) const;

 private:
  struct System;
  Mdp mdp_;
  Policy policy_;
  std::vector<char> goal_;
  std::unique_ptr<System> system_;
  std::vector<double> values_;
  Status status_ = Status::converged;
  std::string message_;
};

/// Gain g and bias h of a policy with one recurrent class: g + h = L_pi + P_pi h, mu^T h = 0, mu the stationary distribution.
/// Then, with the deviation matrix D = (I - P_pi + 1 mu^T)^{-1} - 1 mu^T,
///     dg = mu^T (dL + dP h),   dh = D (dL + dP h - dg 1) - (mu^T dP D h) 1.
/// Probabilities in the convention `normalised`: moved alone, a row that misses 1 has no gain. Policies with several
/// recurrent classes are refused: an arbitrarily small probability between them changes the gain by a jump.
class GainLinearisation {
 public:
  GainLinearisation(const Mdp& mdp, std::span<const Action> policy, const UndiscountedOptions& options = {});
  ~GainLinearisation();
  GainLinearisation(GainLinearisation&&) noexcept;

  [[nodiscard]] Status status() const noexcept { return status_; }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  [[nodiscard]] double gain() const noexcept { return gain_; }
  [[nodiscard]] const std::vector<double>& bias() const noexcept { return bias_; }              ///< [n_states] h
  [[nodiscard]] const std::vector<double>& stationary() const noexcept { return stationary_; }  ///< [n_states] mu

  struct Change {
    double gain = 0.0;
    std::vector<double> bias;  ///< [n_states]
  };
  [[nodiscard]] Change jvp(const EntryDirection& direction) const;
  /// Gradient of the gain: mu pi by costs, mu pi (h(s') - E h) by probabilities.
  [[nodiscard]] EntryGradient gain_gradient() const;

 private:
  struct System;
  Mdp mdp_;
  Policy policy_;
  std::unique_ptr<System> system_;
  double gain_ = not_computed;
  std::vector<double> bias_, stationary_;
  Status status_ = Status::converged;
  std::string message_;
};

}  // namespace mdp::solvers
