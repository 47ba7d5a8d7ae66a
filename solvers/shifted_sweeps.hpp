// solvers/shifted_sweeps.hpp — methods that update single states: Gauss-Seidel, prioritized, topological (internal).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libmdp/kernels/predecessors.hpp"
#include "solvers/iterate.hpp"

namespace mdp::solvers {

/// Between two sweeps that prove bounds, passes of updates v(s) <- min_a q(s,a) in place, and the shift step.
///
/// In-place updates are no function of V up to constants: V carries the constant shift/(1 - gamma) of the values that it
/// stands for, U = V + shift/(1 - gamma). The middle of C1's bounds is a better constant, by far where an MDP mixes; it
/// is taken wherever the bound on ||U - V*|| that it proves, half the span of the residual over 1 - gamma, is no
/// larger than the smallest proved so far less what the passes since have contracted it. So that bound shrinks by
/// gamma per pass at least, and the values converge as those of value iteration do.
class ShiftedSweeps : public Improver {
 public:
  [[nodiscard]] Outcome improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) final;

 protected:
  /// Updates every state at least once, in place.
  virtual void pass(const Mdp& mdp, double shift, Iterate& it, Run& run) = 0;
};

/// In ascending order of the values, which transitions mostly follow downwards: from the absorbing states on, if there
/// are any and the start is flat.
class GaussSeidel : public ShiftedSweeps {
 public:
  [[nodiscard]] std::string name() const override { return "Gauss-Seidel value iteration"; }

 private:
  void pass(const Mdp& mdp, double shift, Iterate& it, Run& run) override;

  std::vector<State> order_;
  bool ordered_backward_ = false;
  int passes_ = 0;
};

/// The state whose value may change most comes first, as known from the changes of its successors; then one sweep.
/// Source: Moore and Atkeson (1993).
class PrioritizedSweeping : public ShiftedSweeps {
 public:
  [[nodiscard]] std::string name() const override { return "prioritized sweeping"; }

 private:
  void pass(const Mdp& mdp, double shift, Iterate& it, Run& run) override;

  std::unique_ptr<kernels::Predecessors> predecessors_;
};

/// Strongly connected components, successors first, each swept until it has settled.
/// Source: Dai and Goldsmith (2007).
class TopologicalSweeps : public ShiftedSweeps {
 public:
  [[nodiscard]] std::string name() const override { return "topological value iteration"; }

 private:
  void pass(const Mdp& mdp, double shift, Iterate& it, Run& run) override;

  std::vector<State> order_;        // states by component, successors first
  std::vector<std::size_t> begin_;  // of each component
  double reduction_ = 0.1;
};

}  // namespace mdp::solvers
