// solvers/evaluation_effort.hpp — how far modified policy iteration should evaluate a policy (internal).
#pragma once

#include <span>

namespace mdp::solvers {

/// A model of what an iteration costs and gains, fed with what the last ones did.
///
/// An iteration is a sweep over all rows (cost 1) and sweeps of the greedy policy's chain; without those it is value
/// iteration. The span of the residual shrinks by `rate` per sweep of either kind; but what the policy's change adds is seen
/// only afterwards: sweeps of the chain that leave a part y of the span are taken to leave y + z, z being half of what the
/// last iteration left beyond its y. So early on, while policies are poor, little work goes into each, as in inexact Newton
/// methods. Source: Eisenstat and Walker (1996), on forcing terms.
class EvaluationEffort {
 public:
  /// Costs over one of a sweep over all rows.
  struct Costs {
    double chain = 1.0;  ///< a sweep of the chain
    double pack = 0.0;   ///< packing the rows of the policy
  };

  struct Choice {
    double left =
        1.0;  ///< the part of the span that sweeps of the chain should leave, in (0, 1); 1 = none: value iteration
    double work = 0.0;  ///< that all iterations until the goal are expected to take
  };

  /// Before each iteration: the span of the residual, >= 0.
  void observe(double span);
  /// What promises bounds smaller by exp(-to_go) for the least work.
  [[nodiscard]] Choice choose(double to_go, const Costs& costs);
  /// After an evaluation by sweeps: the spans of the chain's residual.
  void learn(std::span<const double> spans);
  /// After another evaluation: the part of the span that it left.
  void learn_reached(double part) { reached_ = part; }

  /// By which a sweep shrinks the span, in (0, 1), as last seen; 0.5 before.
  [[nodiscard]] double rate() const noexcept { return rate_; }

 private:
  double rate_ = 0.5;
  double from_policy_ = 0.5;  // z
  double span_ = 0.0;         // of the residual before the last iteration, 0 = there is none
  bool evaluated_ = false;    // in the last iteration
  double reached_ = 1.0;      // y of the last evaluation
};

}  // namespace mdp::solvers
