// solvers/sweeps.hpp — value iteration and modified policy iteration as improvers (internal).
#pragma once

#include <cstdint>
#include <optional>

#include "libmdp/kernels/policy_chain.hpp"
#include "solvers/evaluation_effort.hpp"
#include "solvers/iterate.hpp"
#include "solvers/krylov.hpp"

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
///
/// How near, EvaluationEffort decides.
class ModifiedPolicyIteration : public Improver {
 public:
  /// When it gives up (Outcome::stalled).
  struct Limits {
    double work = infinity;      ///< entries read
    double expected = infinity;  ///< entries still to be read, as expected in several iterations one after another
  };

  explicit ModifiedPolicyIteration(Evaluation evaluation, const Limits& limits)
      : evaluation_(evaluation), limits_(limits) {}
  explicit ModifiedPolicyIteration(Evaluation evaluation) : ModifiedPolicyIteration(evaluation, Limits()) {}
  [[nodiscard]] Outcome improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) override;
  [[nodiscard]] bool gave_up() const override { return exhausted_; }
  [[nodiscard]] double work() const override { return work_; }
  /// Nothing that was learnt about another V counts any more, and nothing but the work ends the turn.
  void begin_turn(double most, Grant more) override;
  [[nodiscard]] std::string name() const override {
    return evaluation_ == Evaluation::krylov ? "policy iteration (BiCGSTAB)" : "modified policy iteration";
  }

 private:
  [[nodiscard]] EvaluationEffort::Choice make_plan(const Mdp& mdp, const Iterate& it, double to_go);
  void advance(const Mdp& mdp, Iterate& it, Run& run, double left);
  void evaluate(const Mdp& mdp, Iterate& it, Run& run, double reduction);
  [[nodiscard]] bool prefers_krylov(const Iterate& it);
  void sweep_chain(const Mdp& mdp, Iterate& it, Run& run, double reduction);
  void solve_chain(const Mdp& mdp, Iterate& it, Run& run);

  Evaluation evaluation_;
  Limits limits_;
  bool exhausted_ = false;
  int n_dear_ = 0;  // iterations in which more was expected than the limits allow, one after another
  std::optional<kernels::PolicyChain> chain_;
  double n_unpacked_ = 0.0;  // states whose action changed since the chain was packed, at most
  EvaluationEffort effort_;
  std::int64_t evaluations_ = 0;
  double previous_span_ = 0.0;    // of the residual before the last evaluation
  bool sweeps_are_slow_ = false;  // the last evaluation by sweeps ran out of its budget
  bool used_krylov_ = false;      // in the evaluation before
  KrylovExperience krylov_;
  int krylov_pause_ = 0;  // evaluations until it may be tried again
  int krylov_penalty_ = 1;
  int since_centring_ = 0;  // sweeps
  double work_ = 0.0;       // entries read so far
};

}  // namespace mdp::solvers
