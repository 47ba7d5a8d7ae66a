// solvers/discounted_program.hpp — the linear program of a discounted MDP as an improver (internal).
#pragma once

#include <string>

#include "solvers/iterate.hpp"

namespace mdp::solvers {

/// max sum_s V(s)  subject to  V(s) - gamma sum p V(s') <= c  for every admissible row. The answer of the program is an
/// oracle's: V is certified as any other, by our own residual, and corrections are solved by the program again.
/// Source: d'Epenoux (1963); Puterman (2005), section 6.9.
class DiscountedProgram : public Improver {
 public:
  [[nodiscard]] Outcome improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) override;
  [[nodiscard]] std::string name() const override { return "linear programming (CLP)"; }
};

}  // namespace mdp::solvers
