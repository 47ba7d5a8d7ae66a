#include "solvers/solve.hpp"

#include "solvers/discounted.hpp"
#include "solvers/method_choice.hpp"
#include "solvers/policy_iteration.hpp"
#include "solvers/value_iteration.hpp"

namespace mdp::solvers {

SolveResult solve(const Mdp& mdp, const SolveOptions& options) {
  switch (options.method) {
    case Method::value_iteration: return value_iteration(mdp, options);
    case Method::policy_iteration: return policy_iteration(mdp, options);
    case Method::modified_policy_iteration: return modified_policy_iteration(mdp, options);
    case Method::automatic: break;
  }
  return solve_discounted(mdp, options, [&] { return make_policy_iteration(mdp, options, true); });
}

}  // namespace mdp::solvers
