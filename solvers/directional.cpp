#include "solvers/directional.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/linearised.hpp"
#include "solvers/direction_check.hpp"
#include "solvers/enclosure.hpp"
#include "solvers/optimal_actions.hpp"
#include "solvers/result.hpp"
#include "solvers/solve.hpp"

namespace mdp::solvers {
namespace {

// The MDP with the actions of `left` only; a state of infinite value keeps its first row, at infinite cost.
struct Restricted {
  Mdp mdp;
  std::vector<Offset> origin;  // [its rows] row of the whole MDP
};

Restricted restrict(const Mdp& mdp, std::span<const Tie> left, std::span<const double> cost) {
  MdpArrays arrays;
  std::vector<Offset> origin;
  arrays.state_rows.push_back(0);
  arrays.row_begin.push_back(0);
  for (const Tie& state : left) {
    const Offset first = mdp.state_rows()[state.state];
    const std::vector<Action> actions = state.actions.empty() ? std::vector<Action>{0} : state.actions;
    for (const Action a : actions) {
      const Offset row = first + a;
      origin.push_back(row);
      arrays.cost.push_back(state.actions.empty() ? infinity : cost[row]);
      for (Offset k = mdp.row_begin()[row]; k < mdp.row_begin()[row + 1]; ++k) {
        arrays.next_state.push_back(mdp.next_state()[k]);
        arrays.probability.push_back(mdp.probability()[k]);
        if (!mdp.probability_tail().empty()) arrays.probability_tail.push_back(mdp.probability_tail()[k]);
      }
      arrays.row_begin.push_back(static_cast<Offset>(arrays.next_state.size()));
    }
    arrays.state_rows.push_back(static_cast<Offset>(origin.size()));
  }
  arrays.discount = mdp.exact_discount();
  arrays.initial.assign(mdp.initial().begin(), mdp.initial().end());
  return {build(std::move(arrays)), std::move(origin)};
}

// Optimal values of the derivative MDP with its costs times `sign`, times `sign`.
struct Side {
  std::vector<double> values;
  Policy policy;
  double error = 0.0;
  Status status = Status::not_run;
};

Side solve_side(const Mdp& mdp, const Restricted& derivative, double sign, int threads) {
  Buffer<double> cost(derivative.mdp.cost().begin(), derivative.mdp.cost().end());
  for (double& c : cost) c = c < infinity ? sign * c : c;
  const Mdp turned = derivative.mdp.with_cost(std::move(cost));
  SolveOptions accuracy;
  accuracy.tolerance = 1e-13 * turned.max_abs_cost();
  accuracy.relative_tolerance = 1e-13;
  accuracy.threads = threads;
  const SolveResult solved = solve(turned, accuracy);
  Side side{std::vector<double>(solved.values.size()), Policy(solved.values.size()), solved.value_error_bound,
            solved.status};
  for (State s = 0; s < mdp.n_states(); ++s) {
    side.values[s] = solved.values[s] < infinity ? sign * solved.values[s] : not_computed;
    const Offset row = derivative.origin[selected_row(derivative.mdp, solved.policy, s)];
    side.policy[s] = static_cast<Action>(row - mdp.state_rows()[s]);
  }
  return side;
}

}  // namespace

DirectionalDerivative directional_derivative(const Mdp& mdp, const SolveResult& solution,
                                             const EntryDirection& direction, const DerivativeOptions& options) {
  if (const std::string problem = options.check(); !problem.empty()) throw InvalidOption(problem);
  require_solution(mdp, solution);
  require_direction(mdp, direction);
  Enclosure made;
  if (solution.value_lower.empty()) made = enclose(mdp, solution.values, options.threads);
  const ValueBounds of = solution.value_lower.empty() ? ValueBounds{made.lower, made.upper}
                                                      : ValueBounds{solution.value_lower, solution.value_upper};
  const OptimalActions optimal = optimal_actions(mdp, of, options.threads);

  DirectionalDerivative result;
  result.tie_margin = optimal.margin;
  bool proved = true;
  for (const Tie& tie : optimal.left) {
    if (tie.actions.size() < 2) continue;
    Tie without = tie;
    drop_duplicates(mdp, without);
    proved = proved && without.actions.size() == 1;
    result.ties.push_back(tie);
  }
  std::vector<double> sources(mdp.n_rows());
  const kernels::ChangeSize size = kernels::entry_sources(
      mdp, solution.values,
      {direction.cost, direction.probability, direction.discount, options.convention == EntryConvention::normalised},
      sources, options.threads);
  const Restricted derivative = restrict(mdp, optimal.left, sources);
  Side right = solve_side(mdp, derivative, 1.0, options.threads);
  Side left = solve_side(mdp, derivative, -1.0, options.threads);

  const double entries = mdp.entry_error().probability + 2.0 * unit_roundoff;
  const double source_error =
      (bounds::rounding(mdp.max_row_length() + 6) + entries) * size.magnitude +
      (mdp.discount() * size.probability + std::abs(direction.discount)) * of.error(solution.values);
  result.error_bound =
      bounds::round_up(bounds::value_error(source_error * (1.0 + 64.0 * unit_roundoff), mdp.exact_discount()) +
                       std::max(right.error, left.error));
  result.status = right.status == Status::converged ? left.status : right.status;
  result.level = proved && result.error_bound < infinity ? Level::certified : Level::approximate;
  result.message = proved ? "one-sided derivatives of the optimal values"
                          : "one-sided derivatives of the optimal values, if the tied actions are exactly tied";
  result.right = std::move(right.values);
  result.left = std::move(left.values);
  result.right_policy = std::move(right.policy);
  result.left_policy = std::move(left.policy);
  return result;
}

}  // namespace mdp::solvers
