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

/// How the greedy policy's V^pi is approached.
enum class Evaluation {
  sweeps,  ///< T_pi^m TV; Krylov steps where those are slow
  krylov   ///< safeguarded BiCGSTAB
};

/// V <- nearer to V^pi of the greedy policy pi, from TV.
class ModifiedPolicyIteration : public Improver {
 public:
  explicit ModifiedPolicyIteration(Evaluation evaluation) : evaluation_(evaluation) {}
  [[nodiscard]] Outcome improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) override;
  [[nodiscard]] std::string name() const override {
    return evaluation_ == Evaluation::krylov ? "policy iteration (BiCGSTAB)" : "modified policy iteration";
  }

 private:
  void evaluate(const Mdp& mdp, Iterate& it, Run& run);
  void sweep_chain(const Mdp& mdp, Iterate& it, const Run& run);
  void solve_chain(const Mdp& mdp, Iterate& it, const Run& run);

  Evaluation evaluation_;
  std::optional<kernels::PolicyChain> chain_;
};

}  // namespace mdp::solvers
