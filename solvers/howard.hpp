// solvers/howard.hpp — policy iteration as an improver (internal).
#pragma once

#include <optional>
#include <vector>

#include "libmdp/bounds.hpp"
#include "libmdp/kernels/policy_chain.hpp"
#include "solvers/iterate.hpp"
#include "solvers/sparse_lu.hpp"

namespace mdp::solvers {

/// Evaluate the policy by sparse LU; change actions that are proved better; repeat until there are none.
class Howard : public Improver {
 public:
  [[nodiscard]] Outcome improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) override;
  [[nodiscard]] std::string name() const override { return "policy iteration (sparse LU)"; }
  [[nodiscard]] bool refines_always() const override { return true; }

 private:
  bounds::Interval evaluate(const Mdp& mdp, Iterate& it, const Run& run);

  std::optional<kernels::PolicyChain> chain_;
  std::optional<SparseLu> lu_;
  Policy factorised_;
};

}  // namespace mdp::solvers
