#include <algorithm>
#include <cmath>
#include <utility>

#include "solvers/criterion.hpp"
#include "solvers/evaluation.hpp"

namespace mdp::solvers {
namespace {

// The discounted criterion has its own road.
template <class P>
CriterionResult discounted(const Mdp& mdp, std::span<const P> policy, const CriterionOptions& options) {
  EvaluationResult e = evaluate(mdp, policy, options.solve);
  CriterionResult r;
  r.status = e.status;
  r.level = e.level;
  r.message = std::move(e.message);
  r.method = std::move(e.method);
  r.values = std::move(e.values);
  r.value_lower = std::move(e.value_lower);
  r.value_upper = std::move(e.value_upper);
  r.value_error_bound = e.value_error_bound;
  r.residual_min = e.residual_min;
  r.residual_max = e.residual_max;
  r.sweeps = e.sweeps;
  r.seconds = e.seconds;
  r.trace = std::move(e.trace);
  return r;
}

CriterionResult on_chain(const Mdp& mdp, const Mdp& chain, Criterion criterion, CriterionOptions options) {
  const Accuracy accuracy =
      resolve_accuracy(options.solve, mdp.max_abs_cost());  // of the MDP, not of the policy's part
  options.solve.tolerance = accuracy.absolute;
  options.solve.relative_tolerance = accuracy.relative;
  CriterionResult r = solve_criterion(chain, criterion, options);
  r.policy.clear();
  r.policy_by_stage.clear();
  r.policy_loss_bound = not_computed;
  return r;
}

// Mean costs that are 0 but for rounding: whether they are decides what is infinite.
Mdp without_noise(const Mdp& chain, double error) {
  Buffer<double> cost(chain.cost().begin(), chain.cost().end());
  Buffer<double> tail(chain.cost_tail().begin(), chain.cost_tail().end());
  for (std::size_t s = 0; s < cost.size(); ++s) {
    if (!(std::abs(cost[s]) <= error)) continue;
    cost[s] = 0.0;
    if (!tail.empty()) tail[s] = 0.0;
  }
  return chain.with_cost(std::move(cost), std::move(tail));
}

// Whether no state averages costs of both signs: then a mean cost has a relative error, as an entry of the chain.
bool one_signed(const Mdp& mdp, std::span<const double> policy) {
  for (State s = 0; s < mdp.n_states(); ++s) {
    bool positive = false;
    bool negative = false;
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
      if (policy[row] == 0.0) continue;
      positive = positive || mdp.cost()[row] > 0.0;
      negative = negative || mdp.cost()[row] < 0.0;
    }
    if (positive && negative) return false;
  }
  return true;
}

}  // namespace

CriterionResult evaluate_criterion(const Mdp& mdp, std::span<const Action> policy, Criterion criterion,
                                   const CriterionOptions& options) {
  CriterionResult r = criterion == Criterion::discounted
                          ? discounted(mdp, policy, options)
                          : on_chain(mdp, induced_chain(mdp, policy), criterion, options);
  r.policy.assign(policy.begin(), policy.end());
  return r;
}

CriterionResult evaluate_criterion(const Mdp& mdp, std::span<const double> stochastic_policy, Criterion criterion,
                                   const CriterionOptions& options) {
  if (criterion == Criterion::discounted) return discounted(mdp, stochastic_policy, options);
  CriterionOptions mixed = options;
  const EntryUncertainty mixing = mixing_uncertainty(mdp);
  mixed.uncertainty.probability += mixing.probability;
  const Mdp chain = induced_chain(mdp, stochastic_policy);
  if (one_signed(mdp, stochastic_policy)) return on_chain(mdp, chain, criterion, mixed);
  mixed.uncertainty.cost += mixing.cost;
  return on_chain(mdp, without_noise(chain, mixing.cost), criterion, mixed);
}

}  // namespace mdp::solvers
