#include "equivalence/soft_equivalence.hpp"

#include <algorithm>
#include <cmath>

#include "equivalence/rebuild.hpp"
#include "equivalence/shape.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/accurate_row.hpp"

namespace mdp::equivalence {

SoftEquivalence soft_equivalent_cost(const Mdp& world, const solvers::SoftResult& solution, const Mdp& model,
                                     const solvers::SoftOptions& options) {
  require_same_shape(world, model);
  if (!(model.discount() < 1.0)) throw InvalidArgument("soft equivalent cost: the model's discount must be below 1");
  if (static_cast<Offset>(solution.values.size()) != world.n_states() || solution.temperature != options.temperature) {
    throw InvalidArgument("soft equivalent cost: the solution is not one of this world at this temperature");
  }
  for (State s = 0; s < world.n_states(); ++s) {
    if (std::isfinite(solution.values[static_cast<std::size_t>(s)])) continue;
    throw InvalidArgument("soft equivalent cost: the value of state " + world.state_name(s) + " is infinite");
  }
  const kernels::AccurateRow world_rows(world), model_rows(model);
  const Discount &gamma = world.exact_discount(), &gamma_model = model.exact_discount();
  const std::span<const double> v(solution.values);
  Buffer<double> cost(static_cast<std::size_t>(world.n_rows())), tail(cost.size());
  for (State s = 0; s < world.n_states(); ++s) {
    const TwoDouble own = v[static_cast<std::size_t>(s)];
    const Offset first = world.state_rows()[static_cast<std::size_t>(s)];
    for (Offset row = first; row < first + world.n_actions(s); ++row) {
      const auto r = static_cast<std::size_t>(row);
      cost[r] = infinity;
      if (world.cost()[r] == infinity) continue;
      // L + gamma E_rho[V - V(s)] - gamma^ E_rho^[V - V(s)] + (gamma - gamma^) V(s).
      const TwoDouble moved =
          gamma.value * world_rows.expectation(row, v, own) - gamma_model.value * model_rows.expectation(row, v, own);
      const TwoDouble total = world_rows.cost(row) + moved + (gamma.value - gamma_model.value) * own;
      cost[r] = total.hi;
      tail[r] = total.lo;
    }
  }
  SoftEquivalence result;
  result.cost.assign(cost.begin(), cost.end());
  result.model = without_lost_goals(model.with_cost(std::move(cost), std::move(tail)));
  result.solved = solvers::solve_soft(*result.model, options);
  result.status = result.solved.status;
  result.message = result.solved.message;
  double distance = 0.0;
  for (std::size_t s = 0; s < v.size(); ++s) {
    distance = std::max({distance, result.solved.value_upper[s] - solution.value_lower[s],
                         solution.value_upper[s] - result.solved.value_lower[s]});
  }
  result.value_distance_bound = bounds::round_up(distance);
  double log_distance = 0.0;
  for (std::size_t row = 0; row < solution.log_policy.size(); ++row) {
    const double x = solution.log_policy[row], y = result.solved.log_policy[row];
    if (x != y) log_distance = std::max(log_distance, std::abs(x - y));
  }
  result.log_policy_distance_bound =
      bounds::round_up(bounds::round_up(bounds::round_up(log_distance) + solution.log_policy_error_bound) +
                       result.solved.log_policy_error_bound);
  return result;
}

}  // namespace mdp::equivalence
