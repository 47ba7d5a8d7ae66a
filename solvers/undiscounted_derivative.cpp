// Total costs until a goal. The gain is in gain_derivative.cpp.
#include "solvers/undiscounted_derivative.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "libmdp/error.hpp"
#include "libmdp/graph/components.hpp"
#include "solvers/linearise.hpp"
#include "solvers/optimal_actions.hpp"
#include "solvers/policy_system.hpp"

namespace mdp::solvers {
namespace {

Mdp undiscounted(const Mdp& mdp) { return mdp.with_discount(Discount(1.0)); }

// What has no derivative is +inf, as with a discount.
std::vector<double> infinite_as_one(std::span<const double> x) {
  std::vector<double> y(x.begin(), x.end());
  std::replace(y.begin(), y.end(), -infinity, infinity);
  return y;
}

std::shared_ptr<const PolicySystem> until_goal(const Mdp& mdp, std::span<const double> row_weights, int threads) {
  return std::make_shared<const PolicySystem>(
      PolicySystem::until_absorption(mdp, row_weights, LinearOptions{.threads = threads}));
}

void require_admissible(const Mdp& mdp, std::span<const Action> policy) {
  require_valid(mdp, policy);
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (mdp.cost()[selected_row(mdp, policy, s)] < infinity) continue;
    throw InvalidArgument("derivative: the policy takes an inadmissible action in state " + mdp.state_name(s));
  }
}

Linearisation at_goal_optimum(const Mdp& mdp, const CriterionResult& solution, const DerivativeOptions& options,
                              std::function<graph::StateSet(std::span<const Tie>)> counted) {
  require_solution(mdp, solution);
  if (solution.criterion != Criterion::goal || solution.value_lower.empty()) {
    throw InvalidArgument("derivative: the solution is not one of criterion goal, with bounds");
  }
  const Mdp at_one = undiscounted(mdp);
  const auto values = infinite_as_one(solution.values);
  const auto lower = infinite_as_one(solution.value_lower);
  const auto upper = infinite_as_one(solution.value_upper);
  return linearise_solved(
      {.mdp = at_one,
       .values = values,
       .bounds = {lower, upper},
       .policy = solution.policy,
       .ends = mdp.goal(),
       .counted = std::move(counted),
       .system = [&](auto&&,
                     std::span<const double> row_weights) { return until_goal(at_one, row_weights, options.threads); },
       .of_policy = [&] { return linearise_goal_policy(mdp, solution.policy, options); }},
      options);
}

// Visited by an optimal policy, or in a cycle of tied actions that some policy can get to.
graph::StateSet visited_or_cyclic(const Mdp& mdp, std::span<const Tie> left) {
  graph::RowMask usable = graph::admissible_rows(mdp);
  for (const State s : mdp.goal()) {
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) usable[row] = 0;
  }
  const graph::StateSet within_reach = graph::reachable_states(mdp, usable);
  const graph::Components cycles = graph::maximal_end_components(mdp, rows_left(mdp, left));
  graph::StateSet counted = visited_states(mdp, left);
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (cycles.of_state[s] >= 0 && within_reach[s] != 0) counted[s] = 1;
  }
  return counted;
}

}  // namespace

Linearisation linearise_goal_policy(const Mdp& mdp, std::span<const Action> policy, const DerivativeOptions& options) {
  require_admissible(mdp, policy);
  const Mdp at_one = undiscounted(mdp);
  CriterionOptions accuracy;
  accuracy.solve.tolerance = 1e-13 * mdp.max_abs_cost();
  accuracy.solve.relative_tolerance = 1e-13;
  accuracy.solve.threads = options.threads;
  const CriterionResult evaluation = evaluate_criterion(at_one, policy, Criterion::goal, accuracy);
  LinearisationPoint point;
  point.message = "derivative of the total cost of the policy";
  point.of_policy = true;
  point.values = infinite_as_one(evaluation.values);
  point.value_error_bound = ValueBounds{evaluation.value_lower, evaluation.value_upper}.error(point.values);
  point.row_weights = deterministic_weights(mdp, policy, point.values, mdp.goal());
  point.system = until_goal(at_one, point.row_weights, options.threads);
  return {at_one, std::move(point), options};
}

Linearisation linearise_goal_optimum(const Mdp& mdp, const CriterionResult& solution,
                                     const DerivativeOptions& options) {
  return at_goal_optimum(mdp, solution, options,
                         [&](std::span<const Tie>) { return graph::StateSet(mdp.n_states(), 1); });
}

OptimumGradient goal_optimum_gradient(const Mdp& mdp, const CriterionResult& solution,
                                      const DerivativeOptions& options) {
  const Linearisation at = at_goal_optimum(
      mdp, solution, options,
      [at_one = undiscounted(mdp)](std::span<const Tie> left) { return visited_or_cyclic(at_one, left); });
  return {at.performance_gradient(), at.ties(), at.of_policy(), at.point().tie_margin};
}

}  // namespace mdp::solvers
