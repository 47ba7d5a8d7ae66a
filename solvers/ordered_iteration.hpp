// solvers/ordered_iteration.hpp — modified policy iteration by Gauss–Seidel sweeps of the policy's chain (internal).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "libmdp/kernels/ordered_chain.hpp"
#include "solvers/iterate.hpp"

namespace mdp::solvers {

/// For MDPs with absorbing states that mix slowly: V^pi of the greedy policy is approached by Gauss–Seidel sweeps of its
/// chain, states by ascending value. Most transitions lead to earlier states, so that news travel from the absorbing states
/// outwards in one sweep; BiCGSTAB takes over where sweeps are slow and the policy has nearly settled. From a flat start, V, the
/// first policy and the order come from search_backward().
///
/// It gives up where many iterations do not halve the span of the residual, or too much work is done.
class OrderedPolicyIteration : public Improver {
 public:
  /// When it gives up, in entries of the chain read.
  struct Limits {
    double work = infinity;
    double expected = infinity;  ///< until the goal, at the rate at which the first policy is approached
  };

  OrderedPolicyIteration() = default;
  explicit OrderedPolicyIteration(const Limits& limits) : limits_(limits) {}

  [[nodiscard]] Outcome improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) override;
  [[nodiscard]] std::string name() const override { return "modified policy iteration (Gauss–Seidel, BiCGSTAB)"; }
  [[nodiscard]] bool gave_up() const override { return gave_up_; }
  [[nodiscard]] double work() const override { return work_; }

 private:
  void begin(const Mdp& mdp, Iterate& it, const Run& run);
  [[nodiscard]] bool evaluate_first(const Mdp& mdp, kernels::OrderedChain& chain, Iterate& it, Run& run);
  [[nodiscard]] bool progresses(const Iterate& it);
  void advance(const Mdp& mdp, kernels::OrderedChain& chain, Iterate& it, Run& run);
  [[nodiscard]] bool sweep(const kernels::OrderedChain& chain, Run& run, int most, double enough);
  void count_work(const kernels::OrderedChain& chain, Run& run, std::int64_t passes);
  void solve(const kernels::OrderedChain& chain, Run& run, double reduction);
  void take_values(const kernels::OrderedChain& chain, const Mdp& mdp, Iterate& it, const Run& run);

  Limits limits_;
  double work_ = 0.0;             // entries of the chain read
  std::vector<State> order_;      // states of finite value; empty before the first call
  std::optional<double> offset_;  // V stands for v + offset; nothing = not known
  bool gave_up_ = false;
  double change_ = 0.0;          // of the last sweep of the chain
  double reference_ = infinity;  // span of the residual when it last halved
  int idle_ = 0;                 // iterations since
  std::vector<double> x_, y_;    // values in the order of the chain
};

}  // namespace mdp::solvers
