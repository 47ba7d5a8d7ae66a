// solvers/sweeps.hpp — value iteration and modified policy iteration as improvers (internal).
#pragma once

#include <optional>

#include "libmdp/kernels/policy_chain.hpp"
#include "solvers/iterate.hpp"

namespace mdp::solvers {

/// V <- TV.
class ValueIteration : public Improver {
 public:
  [[nodiscard]] Outcome improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) override;
  [[nodiscard]] std::string name() const override { return "value iteration"; }
};

/// V <- T_pi^m TV for the greedy policy pi.
class ModifiedPolicyIteration : public Improver {
 public:
  [[nodiscard]] Outcome improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) override;
  [[nodiscard]] std::string name() const override { return "modified policy iteration"; }

 private:
  void evaluate(const Mdp& mdp, Iterate& it, const Run& run);

  std::optional<kernels::PolicyChain> chain_;
};

}  // namespace mdp::solvers
