#include "solvers/solve.hpp"

#include <memory>

#include "solvers/discounted.hpp"
#include "solvers/howard.hpp"
#include "solvers/policy_iteration.hpp"
#include "solvers/sweeps.hpp"
#include "solvers/value_iteration.hpp"

namespace mdp::solvers {

SolveResult solve(const Mdp& mdp, const SolveOptions& options) {
  switch (options.method) {
    case Method::value_iteration: return value_iteration(mdp, options);
    case Method::policy_iteration: return policy_iteration(mdp, options);
    case Method::modified_policy_iteration: return modified_policy_iteration(mdp, options);
    case Method::automatic: break;
  }
  return mdp.n_states() <= 300 ? policy_iteration(mdp, options) : modified_policy_iteration(mdp, options);
}

}  // namespace mdp::solvers
