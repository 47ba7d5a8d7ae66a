#include "equivalence/soft_equivalence.hpp"

#include <algorithm>
#include <cmath>

#include "equivalence/rebuild.hpp"
#include "equivalence/shape.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/accurate_row.hpp"

namespace mdp::equivalence {

namespace {

void require_solution(const Mdp& world, const solvers::SoftResult& solution, const solvers::SoftOptions& options,
                      const std::string& what) {
  if (static_cast<Offset>(solution.values.size()) != world.n_states() || solution.temperature != options.temperature) {
    throw InvalidArgument(what + ": the solution is not one of this world at this temperature");
  }
  for (State s = 0; s < world.n_states(); ++s) {
    if (std::isfinite(solution.values[static_cast<std::size_t>(s)])) continue;
    throw InvalidArgument(what + ": the value of state " + world.state_name(s) + " is infinite");
  }
}

// Proved: >= max |V^_beta - V_beta - c|.
double value_distance(const solvers::SoftResult& world, const solvers::SoftResult& model, double shift) {
  double distance = 0.0;
  for (std::size_t s = 0; s < world.values.size(); ++s) {
    const double above = bounds::round_up(bounds::round_up(model.value_upper[s] - world.value_lower[s]) - shift);
    const double below = bounds::round_up(bounds::round_up(world.value_upper[s] - model.value_lower[s]) + shift);
    distance = std::max({distance, above, below});
  }
  return distance;
}

// Proved: >= max |log pi^_beta - log pi_beta| over the rows that can be taken.
double log_policy_distance(const solvers::SoftResult& world, const solvers::SoftResult& model) {
  double distance = 0.0;
  for (std::size_t row = 0; row < world.log_policy.size(); ++row) {
    const double x = world.log_policy[row], y = model.log_policy[row];
    if (x != y) distance = std::max(distance, std::abs(x - y));
  }
  return bounds::round_up(bounds::round_up(bounds::round_up(distance) + world.log_policy_error_bound) +
                          model.log_policy_error_bound);
}

}  // namespace

SoftEquivalence soft_equivalent_cost(const Mdp& world, const solvers::SoftResult& solution, const Mdp& model,
                                     const solvers::SoftOptions& options) {
  require_same_shape(world, model);
  if (!(model.discount() < 1.0)) throw InvalidArgument("soft equivalent cost: the model's discount must be below 1");
  require_solution(world, solution, options, "soft equivalent cost");
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
  result.value_distance_bound = value_distance(solution, result.solved, 0.0);
  result.log_policy_distance_bound = log_policy_distance(solution, result.solved);
  return result;
}

SoftModel soft_equivalent_model(const Mdp& world, const solvers::SoftResult& solution, const Mdp& reference,
                                const EquivalentModelOptions& rows, const solvers::SoftOptions& options) {
  if (!(rows.discount.value_or(reference.exact_discount()).value.hi < 1.0)) {
    throw InvalidArgument("soft equivalent model: the model's discount must be below 1");
  }
  require_solution(world, solution, options, "soft equivalent model");
  SoftModel result;
  result.rows = equivalent_model(world, {solution.values, solution.value_lower, solution.value_upper}, reference, rows);
  result.status = result.rows.status;
  result.message = result.rows.message;
  if (result.status != Status::converged) return result;
  result.solved = solvers::solve_soft(*result.rows.model, options);
  result.status = result.solved.status;
  if (!result.solved.converged()) result.message = "the model: " + result.solved.message;
  result.value_distance_bound = value_distance(solution, result.solved, result.rows.shift);
  result.log_policy_distance_bound = log_policy_distance(solution, result.solved);
  return result;
}

}  // namespace mdp::equivalence
