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
  sweeps,  ///< T_pi^m TV; BiCGSTAB where sweeps are slow and the policy has settled
  krylov   ///< safeguarded BiCGSTAB
};

/// V <- nearer to V^pi of the greedy policy pi, from TV.
class ModifiedPolicyIteration : public Improver {
 public:
  /// \param max_work  entries read after which it gives up (Outcome::stalled)
  explicit ModifiedPolicyIteration(Evaluation evaluation, double max_work = infinity)
      : evaluation_(evaluation), max_work_(max_work) {}
  [[nodiscard]] Outcome improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) override;
  /// Whether it gave up for max_work, not for rounding.
  [[nodiscard]] bool exhausted() const noexcept { return work_ > max_work_; }
  [[nodiscard]] std::string name() const override {
    return evaluation_ == Evaluation::krylov ? "policy iteration (BiCGSTAB)" : "modified policy iteration";
  }

 private:
  void evaluate(const Mdp& mdp, Iterate& it, Run& run);
  [[nodiscard]] bool prefers_krylov(const Iterate& it);
  void sweep_chain(const Mdp& mdp, Iterate& it, Run& run);
  void solve_chain(const Mdp& mdp, Iterate& it, Run& run);

  Evaluation evaluation_;
  double max_work_;
  std::optional<kernels::PolicyChain> chain_;
  Policy previous_;               // of the evaluation before
  double previous_span_ = 0.0;    // of the residual before it
  bool sweeps_are_slow_ = false;  // the last evaluation by sweeps ran out of its budget
  bool used_krylov_ = false;      // in the evaluation before
  int krylov_pause_ = 0;          // evaluations until it may be tried again
  int krylov_penalty_ = 1;
  double work_ = 0.0;  // entries read so far
};

}  // namespace mdp::solvers
