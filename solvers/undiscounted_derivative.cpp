// Total costs until a goal. The gain is in gain_derivative.cpp.
#include "solvers/undiscounted_derivative.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/graph/components.hpp"
#include "libmdp/graph/reachability.hpp"
#include "libmdp/kernels/linearised.hpp"
#include "solvers/linearise.hpp"
#include "solvers/optimal_actions.hpp"
#include "solvers/policy_system.hpp"

namespace mdp::solvers {
namespace {

// Without a discount; without costs where they are not read.
Mdp as_summed(const Mdp& mdp, Criterion criterion) {
  if (criterion != Criterion::goal && criterion != Criterion::reach) {
    throw InvalidArgument("derivative: criterion " + std::string(to_string(criterion)) + ", required goal or reach");
  }
  Mdp at_one = mdp.with_discount(Discount(1.0));
  if (criterion == Criterion::goal) return at_one;
  Buffer<double> cost(mdp.cost().begin(), mdp.cost().end());
  for (double& c : cost) c = c < infinity ? 0.0 : infinity;
  return at_one.with_cost(std::move(cost));
}

// Where the process has ended: at the goals, and for `reach` where the probability is proved to be 0.
std::vector<State> ends_of(const Mdp& mdp, const CriterionResult& solution) {
  std::vector<State> ends(mdp.goal().begin(), mdp.goal().end());
  if (solution.criterion != Criterion::reach) return ends;
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (solution.value_lower[s] == 0.0 && solution.value_upper[s] == 0.0) ends.push_back(s);
  }
  return ends;
}

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

graph::RowMask rows_of(const Mdp& mdp, std::span<const Action> policy) {
  graph::RowMask taken(mdp.n_rows(), 0);
  for (State s = 0; s < mdp.n_states(); ++s) taken[selected_row(mdp, policy, s)] = 1;
  return taken;
}

void require_admissible(const Mdp& mdp, std::span<const Action> policy) {
  require_valid(mdp, policy);
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (mdp.cost()[selected_row(mdp, policy, s)] < infinity) continue;
    throw InvalidArgument("derivative: the policy takes an inadmissible action in state " + mdp.state_name(s));
  }
}

Linearisation at_optimum(const Mdp& mdp, const CriterionResult& solution, const DerivativeOptions& options,
                         std::function<graph::StateSet(std::span<const Tie>)> counted) {
  require_solution(mdp, solution);
  if (solution.value_lower.empty()) throw InvalidArgument("derivative: the solution has no bounds");
  const Mdp summed = as_summed(mdp, solution.criterion);
  const std::vector<State> ends = ends_of(mdp, solution);
  const auto values = infinite_as_one(solution.values);
  const auto lower = infinite_as_one(solution.value_lower);
  const auto upper = infinite_as_one(solution.value_upper);
  return linearise_solved(
      {.mdp = summed,
       .values = values,
       .bounds = {lower, upper},
       .policy = solution.policy,
       .ends = ends,
       .counted = std::move(counted),
       .system = [&](auto&&, std::span<const double> weights) { return until_goal(summed, weights, options.threads); },
       .of_policy = [&] { return linearise_until_goal(mdp, solution.criterion, solution.policy, options); }},
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

Linearisation linearise_until_goal(const Mdp& mdp, Criterion criterion, std::span<const Action> policy,
                                   const DerivativeOptions& options) {
  require_admissible(mdp, policy);
  const Mdp summed = as_summed(mdp, criterion);
  const graph::GoalReachability reached = graph::goal_reachability(mdp, rows_of(mdp, policy));
  std::vector<State> ends(mdp.goal().begin(), mdp.goal().end());
  LinearisationPoint point;
  point.values.assign(mdp.n_states(), 0.0);
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (criterion == Criterion::goal && reached.almost_sure[s] == 0) point.values[s] = infinity;
    if (criterion == Criterion::reach && reached.possible[s] == 0) ends.push_back(s);
  }
  point.row_weights = deterministic_weights(mdp, policy, point.values, ends);
  point.system = until_goal(summed, point.row_weights, options.threads);

  std::vector<double> right(mdp.n_states());  // L_pi, and the values at the ends
  kernels::average_rows(summed, point.row_weights, summed.cost(), right, options.threads);
  if (criterion == Criterion::reach) {
    for (const State s : mdp.goal()) right[s] = mdp.objective() == Objective::maximize ? -1.0 : 1.0;
  }
  const EntryError& entry = mdp.entry_error();
  const double cost_error =
      entry.cost * summed.max_abs_cost() + (criterion == Criterion::goal ? entry.cost_absolute : 0.0);
  LinearSolution value = point.system->solve(right);
  point.value_error_bound = bounds::round_up(value.error_bound + point.system->error_of(cost_error));
  for (std::size_t s = 0; s < value.x.size(); ++s) {
    if (point.values[s] < infinity) point.values[s] = value.x[s];
  }
  point.message = "derivative of the value of the policy";
  point.of_policy = true;
  require_bounds(point);
  return {summed, std::move(point), options};
}

Linearisation linearise_until_goal(const Mdp& mdp, const CriterionResult& solution, const DerivativeOptions& options) {
  return at_optimum(mdp, solution, options, [&](std::span<const Tie>) { return graph::StateSet(mdp.n_states(), 1); });
}

OptimumGradient until_goal_gradient(const Mdp& mdp, const CriterionResult& solution, const DerivativeOptions& options) {
  const Linearisation at = at_optimum(mdp, solution, options, [&](std::span<const Tie> left) {
    return visited_or_cyclic(mdp.with_discount(Discount(1.0)), left);
  });
  OptimumGradient optimum{at.performance_gradient(), at.ties(), at.of_policy(), at.point().tie_margin};
  if (solution.criterion == Criterion::reach) {
    std::fill(optimum.reverse.gradient.cost.begin(), optimum.reverse.gradient.cost.end(), 0.0);
  }
  return optimum;
}

}  // namespace mdp::solvers
