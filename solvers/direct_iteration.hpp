// solvers/direct_iteration.hpp — policy iteration by elimination within a profile, as an improver (internal).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libmdp/kernels/policy_chain.hpp"
#include "libmdp/kernels/profile_lu.hpp"
#include "solvers/iterate.hpp"

namespace mdp::solvers {

/// For narrow MDPs: V^pi is computed by ProfileLu in an order in which transitions are short, up to constants and as a
/// correction of V, so that rounding does not add up; then Gauss-Seidel sweeps over all rows, up and down the same order,
/// improve the policy: without them a change of the policy would move by one transition per iteration.
///
/// From a flat start, where the residual does not halve in a few iterations, V and the policy are taken from start_backward():
/// where the way to an absorbing state is long, poor policies improve by few steps of it. It gives up where the residual
/// has not halved for many iterations, or a policy's factors would be too dear.
class DirectPolicyIteration : public Improver {
 public:
  /// Of a policy's factors; beyond, it gives up.
  struct Limits {
    double flops = infinity;
    double bytes = infinity;
  };

  /// \param order  of the states: a permutation
  DirectPolicyIteration(std::vector<State> order, const Limits& limits);

  [[nodiscard]] Outcome improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) override;
  [[nodiscard]] std::string name() const override { return "policy iteration (Gauss–Seidel, profile LU)"; }
  [[nodiscard]] bool gave_up() const override { return gave_up_; }

 private:
  [[nodiscard]] bool progresses(const Mdp& mdp, Iterate& it);
  void forget_progress();
  [[nodiscard]] bool advance(const Mdp& mdp, Iterate& it, Run& run);
  void sweep_in_place(const Mdp& mdp, Iterate& it, Run& run) const;
  [[nodiscard]] bool factorise(const Mdp& mdp, const Policy& policy, const Run& run);
  void correct(const Mdp& mdp, Iterate& it, const Run& run);

  Limits limits_;
  kernels::ProfileLu lu_;
  std::vector<State> backwards_;  // the order from its end
  std::optional<kernels::PolicyChain> chain_;
  Policy factorised_;
  bool begun_ = false;
  bool may_search_ = false;      // backwards, for another start
  bool evaluated_ = false;       // whether V is near some V^pi: in-place sweeps from anything else make poor policies
  double shift_ = 0.0;           // T v - v of the solution that v approaches: (1 - gamma) times its constant
  double reference_ = infinity;  // span of the residual when it last halved
  int idle_ = 0;                 // iterations since
  bool gave_up_ = false;
};

}  // namespace mdp::solvers
