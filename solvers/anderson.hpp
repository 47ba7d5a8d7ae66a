// solvers/anderson.hpp — Anderson-accelerated value iteration as an improver (internal).
#pragma once

#include <deque>
#include <vector>

#include "solvers/iterate.hpp"

namespace mdp::solvers {

/// V <- the affine combination of the last few TV whose residuals, up to constants, combine to the shortest.
///
/// Safeguard: a combination whose residual does not have a span smaller by gamma than that of the V before is thrown away
/// with the memory, and plain value iteration goes on from the last TV kept; so the span of the V kept shrinks by gamma at
/// least with every second sweep.
/// Source: Anderson (1965); Walker and Ni (2011); for MDPs Geist and Scherrer (2018).
class Anderson : public Improver {
 public:
  [[nodiscard]] Outcome improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) override;
  [[nodiscard]] std::string name() const override { return "Anderson-accelerated value iteration"; }

 private:
  struct Step {
    std::vector<double> tv;
    std::vector<double> residual;  // TV - V less its mean
  };

  void remember(const Mdp& mdp, const Iterate& it, const Run& run);
  [[nodiscard]] std::vector<double> combine(const Mdp& mdp, const Run& run) const;

  std::deque<Step> memory_;
};

}  // namespace mdp::solvers
