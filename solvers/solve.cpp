#include "solvers/solve.hpp"

#include <memory>

#include "libmdp/error.hpp"
#include "solvers/action_elimination.hpp"
#include "solvers/anderson.hpp"
#include "solvers/applicability.hpp"
#include "solvers/checkpoint.hpp"
#include "solvers/discounted.hpp"
#include "solvers/discounted_program.hpp"
#include "solvers/inexact.hpp"
#include "solvers/linear_program.hpp"
#include "solvers/method_choice.hpp"
#include "solvers/shifted_sweeps.hpp"
#include "solvers/sweeps.hpp"

namespace mdp::solvers {
namespace {

std::unique_ptr<Improver> make_improver(const Mdp& mdp, const SolveOptions& options) {
  switch (options.method) {
    case Method::value_iteration: return std::make_unique<ValueIteration>();
    case Method::gauss_seidel: return std::make_unique<GaussSeidel>();
    case Method::prioritized: return std::make_unique<PrioritizedSweeping>();
    case Method::topological: return std::make_unique<TopologicalSweeps>();
    case Method::policy_iteration: return make_policy_iteration(mdp, options, false);
    case Method::modified_policy_iteration: return std::make_unique<ModifiedPolicyIteration>(Evaluation::sweeps);
    case Method::inexact_policy_iteration:
      return std::make_unique<InexactPolicyIteration>(InexactPolicyIteration::Options{});
    case Method::anderson: return std::make_unique<Anderson>();
    case Method::action_elimination: return std::make_unique<ActionElimination>();
    case Method::linear_programming: return std::make_unique<DiscountedProgram>();
    case Method::automatic:
    case Method::soft_value_iteration:
    case Method::interval_iteration:
    case Method::optimistic_value_iteration: break;
  }
  return make_automatic(mdp, options);
}

}  // namespace

SolveResult solve(const Mdp& mdp, const SolveOptions& options) { return solve(mdp, options, CheckpointOptions{}); }

SolveResult solve(const Mdp& mdp, const SolveOptions& options, const CheckpointOptions& checkpoint) {
  if (const std::string why = why_not(options.method, mdp, Criterion::discounted); !why.empty()) {
    throw InvalidOption("method = " + why);
  }
  if (options.method == Method::soft_value_iteration) {
    throw InvalidOption("method = soft-value-iteration: use solve_soft()");
  }
  if (options.method == Method::linear_programming && !has_linear_programming()) {
    throw InvalidOption("method = linear-programming: built without the component CLP");
  }
  return solve_discounted(
      mdp, options, [&] { return make_improver(mdp, options); }, {}, checkpoint);
}

}  // namespace mdp::solvers
