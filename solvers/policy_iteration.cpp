#include "solvers/policy_iteration.hpp"

#include <memory>

#include "solvers/discounted.hpp"
#include "solvers/method_choice.hpp"
#include "solvers/sweeps.hpp"

namespace mdp::solvers {

SolveResult policy_iteration(const Mdp& mdp, const SolveOptions& options) {
  return solve_discounted(mdp, options, [&] { return make_policy_iteration(mdp, options, false); });
}

SolveResult modified_policy_iteration(const Mdp& mdp, const SolveOptions& options) {
  return solve_discounted(mdp, options, [] { return std::make_unique<ModifiedPolicyIteration>(Evaluation::sweeps); });
}

}  // namespace mdp::solvers
