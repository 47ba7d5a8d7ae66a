// The points at which values are differentiated: at V* (D1), at V^pi.
#include "solvers/linearise.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "solvers/derivative.hpp"
#include "solvers/enclosure.hpp"
#include "solvers/evaluation.hpp"
#include "solvers/optimal_actions.hpp"
#include "solvers/policy_system.hpp"
#include "solvers/result.hpp"

namespace mdp::solvers {

std::string tie_message(const Mdp& mdp, const std::vector<Tie>& ties) {
  std::string actions;
  for (const Action a : ties.front().actions) {
    actions += (actions.empty() ? "" : ", ") + mdp.action_name(mdp.state_rows()[ties.front().state] + a);
  }
  const std::string others = ties.size() == 1 ? "" : " (and " + std::to_string(ties.size() - 1) + " more states)";
  return "state " + mdp.state_name(ties.front().state) + others + ": actions " + actions +
         " cannot be told apart within the bounds of the solution";
}

namespace {

void require_discounted(const Mdp& mdp) {
  if (mdp.exact_discount().complement.value() > 0.0) return;
  throw InvalidArgument("derivative: the discount is 1; the discounted criterion needs a discount below 1");
}

// What AtTies says, at a point that holds the ties.
Linearisation at_ties(const SolvedPoint& solved, LinearisationPoint tied, const DerivativeOptions& options) {
  const std::string why = tie_message(solved.mdp, tied.ties);
  if (options.at_ties != AtTies::use_policy) {
    tied.status = Status::refused;
    tied.message = why + "; V* may have no derivative";
    return {solved.mdp, std::move(tied), options};
  }
  LinearisationPoint point = solved.of_policy().point();
  if (point.status == Status::converged) {
    point.message = "derivative of the value of the reported policy, not of the optimal values: " + why;
  }
  point.ties = std::move(tied.ties);
  point.tie_margin = tied.tie_margin;
  return {solved.mdp, std::move(point), options};
}

std::vector<double> weights_of(const Mdp& mdp, std::span<const Action> policy, std::span<const double> values) {
  return deterministic_weights(mdp, policy, values);
}

// The same from probabilities, divided by their sum in each state.
std::vector<double> weights_of(const Mdp& mdp, std::span<const double> policy, std::span<const double> values) {
  std::vector<double> weights(mdp.n_rows(), 0.0);
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (values[s] == infinity) continue;
    const auto first = policy.begin() + mdp.state_rows()[s];
    const auto last = policy.begin() + mdp.state_rows()[s + 1];
    const double sum = std::accumulate(first, last, 0.0);
    std::transform(first, last, weights.begin() + mdp.state_rows()[s], [sum](double p) { return p / sum; });
  }
  return weights;
}

template <class Probability>
Linearisation linearise(const Mdp& mdp, std::span<const Probability> policy, double weight_error,
                        const DerivativeOptions& options) {
  require_discounted(mdp);
  SolveOptions accuracy;
  accuracy.tolerance = 1e-13 * mdp.max_abs_cost();
  accuracy.relative_tolerance = 1e-13;
  accuracy.threads = options.threads;
  EvaluationResult evaluation = evaluate(mdp, policy, accuracy);
  LinearisationPoint point;
  point.message = "derivative of the value of the policy";
  point.of_policy = true;
  point.row_weights = weights_of(mdp, policy, evaluation.values);
  point.row_weight_error = weight_error;
  point.value_error_bound = evaluation.value_error_bound;
  point.values = std::move(evaluation.values);
  point.system = std::make_shared<const PolicySystem>(mdp, policy, LinearOptions{.threads = options.threads});
  return {mdp, std::move(point), options};
}

}  // namespace

Linearisation linearise_policy(const Mdp& mdp, std::span<const Action> policy, const DerivativeOptions& options) {
  return linearise(mdp, policy, 0.0, options);
}

Linearisation linearise_policy(const Mdp& mdp, std::span<const double> stochastic_policy,
                               const DerivativeOptions& options) {
  Offset most = 1;
  for (State s = 0; s < mdp.n_states(); ++s) most = std::max(most, mdp.n_actions(s));
  return linearise(mdp, stochastic_policy, bounds::rounding(most + 1), options);
}

std::vector<double> deterministic_weights(const Mdp& mdp, std::span<const Action> policy,
                                          std::span<const double> values, std::span<const State> ends) {
  std::vector<double> weights(mdp.n_rows(), 0.0);
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (values[s] < infinity) weights[selected_row(mdp, policy, s)] = 1.0;
  }
  for (const State s : ends) weights[selected_row(mdp, policy, s)] = 0.0;
  return weights;
}

void require_bounds(LinearisationPoint& point) {
  if (point.system->error_of(1.0) < infinity) return;
  point.status = Status::precision_limit;
  point.message =
      "I - P of the policy is singular within the rounding of doubles: nothing can be proved of its solutions";
}

Linearisation linearise_solved(const SolvedPoint& solved, const DerivativeOptions& options) {
  const Mdp& mdp = solved.mdp;
  OptimalActions optimal = optimal_actions(mdp, solved.bounds, options.threads);
  for (const State s : solved.ends) optimal.left[s].actions.clear();
  const graph::StateSet counted = solved.counted(optimal.left);
  graph::StateSet ended(mdp.n_states(), 0);
  for (const State s : solved.ends) ended[s] = 1;

  Policy policy(mdp.n_states(), 0);
  LinearisationPoint point;
  point.tie_margin = optimal.margin;
  for (Tie& tie : optimal.left) {
    if (options.at_ties == AtTies::drop_duplicates) drop_duplicates(mdp, tie);
    if (tie.actions.empty() && ended[tie.state] == 0 && solved.bounds.lower[tie.state] < infinity) {
      throw InvalidArgument("derivative: the solution's bounds exclude every action of state " +
                            mdp.state_name(tie.state));
    }
    if (!tie.actions.empty()) policy[tie.state] = tie.actions.front();
    if (tie.actions.size() > 1 && counted[tie.state] != 0) point.ties.push_back(std::move(tie));
  }
  if (!point.ties.empty()) return at_ties(solved, std::move(point), options);
  point.message = "derivative of the optimal values; the optimal actions are unique";
  point.values.assign(solved.values.begin(), solved.values.end());
  point.value_error_bound = solved.bounds.error(solved.values);
  point.row_weights = deterministic_weights(mdp, policy, solved.values, solved.ends);
  point.system = solved.system(policy, point.row_weights);
  require_bounds(point);
  return {mdp, std::move(point), options};
}

namespace {

// V* of the discounted criterion.
template <class Counts>
Linearisation at_optimum(const Mdp& mdp, const SolveResult& solution, const DerivativeOptions& options,
                         Counts&& counts) {
  require_discounted(mdp);
  require_solution(mdp, solution);
  Enclosure made;
  if (solution.value_lower.empty()) made = enclose(mdp, solution.values, options.threads);
  const LinearOptions linear{.threads = options.threads};
  return linearise_solved(
      {.mdp = mdp,
       .values = solution.values,
       .bounds = solution.value_lower.empty() ? ValueBounds{made.lower, made.upper}
                                              : ValueBounds{solution.value_lower, solution.value_upper},
       .policy = solution.policy,
       .counted = std::forward<Counts>(counts),
       .system = [&](std::span<const Action> policy,
                     auto&&) { return std::make_shared<const PolicySystem>(mdp, policy, linear); },
       .of_policy = [&] { return linearise_policy(mdp, solution.policy, options); }},
      options);
}

}  // namespace

Linearisation linearise_optimum(const Mdp& mdp, const SolveResult& solution, const DerivativeOptions& options) {
  return at_optimum(mdp, solution, options, [&](std::span<const Tie>) { return graph::StateSet(mdp.n_states(), 1); });
}

OptimumGradient optimum_gradient(const Mdp& mdp, const SolveResult& solution, const DerivativeOptions& options) {
  const Linearisation at =
      at_optimum(mdp, solution, options, [&](std::span<const Tie> left) { return visited_states(mdp, left); });
  return {at.performance_gradient(), at.ties(), at.of_policy(), at.point().tie_margin};
}

}  // namespace mdp::solvers
