#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/graph/closure.hpp"
#include "solvers/criterion.hpp"
#include "solvers/criterion_answer.hpp"
#include "solvers/end_components.hpp"
#include "solvers/evaluation.hpp"
#include "solvers/gaps.hpp"

namespace mdp::solvers {
namespace {

// The discounted criterion has its own road.
template <class P>
CriterionResult discounted(const Mdp& mdp, const P& policy, const CriterionOptions& options) {
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
bool one_signed(const Mdp& mdp, const RandomisedPolicy& policy) {
  for (State s = 0; s < mdp.n_states(); ++s) {
    bool positive = false;
    bool negative = false;
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
      if (policy.probability[row] == 0.0) continue;
      positive = positive || mdp.cost()[row] > 0.0;
      negative = negative || mdp.cost()[row] < 0.0;
    }
    if (positive && negative) return false;
  }
  return true;
}

// The mean of the positive (sign 1) or negative (sign -1) parts of the costs in each state, as costs of the chain: sums of
// terms of one sign in twice the precision, whose relative error is that of its entries (mixing_uncertainty()).
Mdp part_of_costs(const Mdp& mdp, const Mdp& chain, const RandomisedPolicy& policy, double sign) {
  Buffer<double> cost(chain.cost().size(), 0.0);
  Buffer<double> tail(cost.size(), 0.0);
  for (State s = 0; s < mdp.n_states(); ++s) {
    TwoDouble weight;
    TwoDouble sum;
    bool infinite = false;
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
      if (policy.probability[row] == 0.0) continue;
      weight = weight + policy[row];
      const TwoDouble own = with_tail(mdp.cost()[row], mdp.cost_tail().empty() ? 0.0 : mdp.cost_tail()[row]);
      const double part = sign * own.hi;
      infinite = infinite || part == infinity;
      if (part > 0.0 && part < infinity) sum = sum + own * sign * policy[row];
    }
    const TwoDouble mean = infinite ? TwoDouble(infinity) : sum / weight;
    cost[s] = mean.hi;
    tail[s] = mean.lo;
  }
  return chain.with_cost(std::move(cost), std::move(tail)).with_objective(Objective::minimize);
}

// States of a chain where a cost above 0 is paid again and again.
graph::StateSet paying(const Mdp& chain) {
  const auto ends = signed_components(chain, live_part(chain).rows);
  return states_of(ends.component, ends.has_positive);
}

// `total` where states pay costs of both signs at random: E[sum of the positive parts] - E[sum of the negative parts], which
// the mean cost of a state does not tell: it may be 0 where both sums are infinite.
CriterionResult total_of_parts(const Mdp& mdp, const Mdp& chain, const RandomisedPolicy& policy,
                               const CriterionOptions& options) {
  const Mdp paid = part_of_costs(mdp, chain, policy, 1.0);
  const Mdp earned = part_of_costs(mdp, chain, policy, -1.0);
  const Accuracy accuracy = resolve_accuracy(options.solve, mdp.max_abs_cost());
  CriterionOptions half = options;
  half.solve.level = Level::certified;
  half.solve.tolerance = 0.25 * accuracy.absolute;
  half.solve.relative_tolerance = 0.25 * accuracy.relative;
  CriterionResult plus = solve_criterion(paid, Criterion::total, half);
  const CriterionResult minus = solve_criterion(earned, Criterion::total, half);
  CriterionResult r = std::move(plus);
  const Live live = live_part(chain);
  State first = -1;
  for (State s = 0; s < mdp.n_states(); ++s) {
    double& lower = r.value_lower[static_cast<std::size_t>(s)];
    double& upper = r.value_upper[static_cast<std::size_t>(s)];
    if (live.states[static_cast<std::size_t>(s)] ==
        0) {  // an inadmissible action may be taken: no policy to be paid for
      lower = upper = infinity;
      continue;
    }
    const double less = minus.value_lower[static_cast<std::size_t>(s)];
    const double more = minus.value_upper[static_cast<std::size_t>(s)];
    const bool undefined = lower == infinity && less == infinity;
    if (undefined && first < 0) first = s;
    lower = undefined || more == infinity ? -infinity
            : lower == infinity           ? infinity
                                          : round_down(two_sum(lower, -more));
    upper = undefined           ? infinity
            : upper == infinity ? infinity
            : less == infinity  ? -infinity
                                : round_up(two_sum(upper, -less));
  }
  const Status stopped = r.converged() ? minus.status : r.status;
  judge(r, accuracy, stopped == Status::converged ? Status::not_run : stopped, options.solve.level);
  if (first >= 0) {
    r.status = Status::undefined;
    r.message = "infinity minus infinity: costs of both signs are paid for ever";
    r.witness = graph::shortest_path(chain, first, paying(paid), graph::admissible_rows(chain));
    const auto path = graph::shortest_path(chain, first, paying(earned), graph::admissible_rows(chain));
    r.witness.insert(r.witness.end(), path.begin(), path.end());
  }
  r.policy.clear();
  r.policy_loss_bound = not_computed;
  return r;
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

CriterionResult evaluate_criterion(const Mdp& mdp, const RandomisedPolicy& policy, Criterion criterion,
                                   const CriterionOptions& options) {
  if (criterion == Criterion::discounted) return discounted(mdp, policy, options);
  CriterionOptions mixed = options;
  const EntryUncertainty mixing = mixing_uncertainty(mdp);
  mixed.uncertainty.probability += mixing.probability;
  const Mdp chain = induced_chain(mdp, policy);
  if (one_signed(mdp, policy)) return on_chain(mdp, chain, criterion, mixed);
  if (criterion == Criterion::total) return total_of_parts(mdp, chain, policy, mixed);
  mixed.uncertainty.cost += mixing.cost;
  return on_chain(mdp, without_noise(chain, mixing.cost), criterion, mixed);
}

}  // namespace mdp::solvers
