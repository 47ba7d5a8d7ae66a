// solvers/action_elimination.hpp — value iteration that skips rows proved not optimal (internal).
#pragma once

#include <string>
#include <vector>

#include "solvers/iterate.hpp"

namespace mdp::solvers {

/// V <- TV with MacQueen's bounds; a row whose lower Q exceeds the upper V is not read again (theory.md, C4).
/// Rounding is in the test: what is left out is proved not optimal. Source: MacQueen (1967); Porteus (1971).
class ActionElimination : public Improver {
 public:
  [[nodiscard]] Outcome improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) override;
  [[nodiscard]] std::string name() const override { return "value iteration with action elimination"; }
};

}  // namespace mdp::solvers
