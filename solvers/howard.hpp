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
/// From a poor policy it may take as many rounds as the longest way has steps: modified policy iteration in between,
/// which never makes a policy worse, shortens that.
class Howard : public Improver {
 public:
  struct Options {
    double max_flops = infinity;  ///< most operations that a factorisation may take, by its ordering
    double max_bytes = infinity;  ///< most memory that factors may take
    /// Entries that modified policy iteration may read before the first evaluation, and a quarter of it after each of the
    /// first few that found better actions; 0 = none.
    double sweeps_between = 0.0;
    bool refine_always = true;  ///< even if the goal is reached before the policy has settled
  };

  explicit Howard(const Options& options) : options_(options) {}

  [[nodiscard]] Outcome improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) override;
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] bool refines_always() const override { return options_.refine_always || settled_; }

 private:
  [[nodiscard]] Outcome sweep(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal, double work);
  bounds::Interval evaluate(const Mdp& mdp, Iterate& it, const Run& run);
  void factorise(const Mdp& mdp, const Policy& policy, const Run& run);
  void apply_inverse(const Mdp& mdp, std::vector<double>& x, const Run& run) const;

  Options options_;
  int rounds_ = 0;
  bool settled_ = false;  // no action was left to change
  std::optional<kernels::PolicyChain> chain_;
  std::optional<SparseLu> lu_;
  Policy factorised_;
};

}  // namespace mdp::solvers
