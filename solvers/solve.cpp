#include "solvers/solve.hpp"

#include "libmdp/error.hpp"
#include "solvers/applicability.hpp"
#include "solvers/discounted.hpp"
#include "solvers/method_choice.hpp"
#include "solvers/policy_iteration.hpp"
#include "solvers/value_iteration.hpp"

namespace mdp::solvers {

SolveResult solve(const Mdp& mdp, const SolveOptions& options) {
  if (const std::string why = why_not(options.method, mdp, Criterion::discounted); !why.empty()) {
    throw InvalidOption("method = " + why);
  }
  switch (options.method) {
    case Method::value_iteration: return value_iteration(mdp, options);
    case Method::policy_iteration: return policy_iteration(mdp, options);
    case Method::modified_policy_iteration: return modified_policy_iteration(mdp, options);
    case Method::soft_value_iteration: throw InvalidOption("method = soft-value-iteration: use solve_soft()");
    default: break;
  }
  return solve_discounted(mdp, options, [&] { return make_policy_iteration(mdp, options, true); });
}

}  // namespace mdp::solvers
