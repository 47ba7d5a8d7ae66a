// solvers/howard.hpp — policy iteration as an improver (internal).
#pragma once

#include <optional>
#include <vector>

#include "libmdp/bounds.hpp"
#include "libmdp/kernels/policy_chain.hpp"
#include "solvers/iterate.hpp"
#include "solvers/sparse_lu.hpp"

namespace mdp::solvers {

/// Evaluate the policy by sparse LU (by BiCGSTAB where a policy's factors would be too dear); change actions that are proved better; repeat until there are none.
class Howard : public Improver {
 public:
  /// \param max_flops  most operations that a factorisation may take, by its ordering
  explicit Howard(double max_flops = infinity) : max_flops_(max_flops) {}

  [[nodiscard]] Outcome improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) override;
  [[nodiscard]] std::string name() const override { return "policy iteration (sparse LU)"; }
  [[nodiscard]] bool refines_always() const override { return true; }

 private:
  bounds::Interval evaluate(const Mdp& mdp, Iterate& it, const Run& run);
  void factorise(const Mdp& mdp, const Policy& policy, const Run& run);
  void apply_inverse(const Mdp& mdp, std::vector<double>& x, const Run& run) const;

  double max_flops_;
  std::optional<kernels::PolicyChain> chain_;
  std::optional<SparseLu> lu_;
  Policy factorised_;
};

}  // namespace mdp::solvers
