#include "solvers/policy_iteration.hpp"

#include <memory>

#include "solvers/discounted.hpp"
#include "solvers/howard.hpp"
#include "solvers/sweeps.hpp"

namespace mdp::solvers {

SolveResult policy_iteration(const Mdp& mdp, const SolveOptions& options) {
  return solve_discounted(mdp, options, [] { return std::make_unique<Howard>(); });
}

SolveResult modified_policy_iteration(const Mdp& mdp, const SolveOptions& options) {
  return solve_discounted(mdp, options, [] { return std::make_unique<ModifiedPolicyIteration>(); });
}

}  // namespace mdp::solvers
