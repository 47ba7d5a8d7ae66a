// The points at which values are differentiated: at V* (D1), at V^pi.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "solvers/derivative.hpp"
#include "solvers/enclosure.hpp"
#include "solvers/evaluation.hpp"
#include "solvers/policy_system.hpp"
#include "solvers/result.hpp"

namespace mdp::solvers {
namespace {

void require_discounted(const Mdp& mdp) {
  if (mdp.exact_discount().complement.value() > 0.0) return;
  throw InvalidArgument("derivative: the discount is 1; the discounted criterion needs a discount below 1");
}

// Proved bounds on V* and what is between them.
struct ValueBounds {
  std::span<const double> lower, upper;

  [[nodiscard]] double error(std::span<const double> values) const {
    double largest = 0.0;
    for (std::size_t s = 0; s < values.size(); ++s) {
      if (values[s] == infinity) continue;
      largest = std::max(largest, std::max(upper[s] - values[s], values[s] - lower[s]));
    }
    return bounds::round_up(largest);
  }
  // Of the finite values.
  [[nodiscard]] double max_abs() const {
    double largest = 0.0;
    for (std::size_t s = 0; s < lower.size(); ++s) {
      if (lower[s] < infinity) largest = std::max(largest, std::max(std::abs(lower[s]), std::abs(upper[s])));
    }
    return largest;
  }
};

// The same cost and the same transitions, to the bit.
bool identical(const Mdp& mdp, Offset a, Offset b) {
  const auto same_entry = [](std::span<const double> x, Offset i, Offset j) { return x.empty() || x[i] == x[j]; };
  const Offset first = mdp.row_begin()[a];
  const Offset length = mdp.row_begin()[a + 1] - first;
  const Offset other = mdp.row_begin()[b];
  if (mdp.row_begin()[b + 1] - other != length) return false;
  if (mdp.cost()[a] != mdp.cost()[b] || !same_entry(mdp.cost_tail(), a, b)) return false;
  for (Offset k = 0; k < length; ++k) {
    if (mdp.next_state()[first + k] != mdp.next_state()[other + k]) return false;
    if (mdp.probability()[first + k] != mdp.probability()[other + k]) return false;
    if (!same_entry(mdp.probability_tail(), first + k, other + k)) return false;
  }
  return true;
}

void drop_duplicates(const Mdp& mdp, Tie& tie) {
  const Offset first = mdp.state_rows()[tie.state];
  std::vector<Action> kept;
  for (const Action a : tie.actions) {
    const auto same = [&](Action earlier) { return identical(mdp, first + earlier, first + a); };
    if (std::none_of(kept.begin(), kept.end(), same)) kept.push_back(a);
  }
  tie.actions = std::move(kept);
}

// C4: an action whose lower Q exceeds the upper V is not optimal. Per state, the actions that are left.
std::vector<Tie> candidates(const Mdp& mdp, const ValueBounds& of, int threads) {
  std::vector<double> q_lower(mdp.n_rows());
  std::vector<double> t_upper(mdp.n_states());
  kernels::q_values(mdp, of.lower, q_lower, threads);
  kernels::bellman_sweep(mdp, of.upper, t_upper, {}, threads);
  const double error = bounds::sweep_error(mdp, of.max_abs());
  std::vector<Tie> left(mdp.n_states());
  for (State s = 0; s < mdp.n_states(); ++s) {
    left[s].state = s;
    if (of.lower[s] == infinity) continue;
    const double upper = std::min(of.upper[s], bounds::round_up(t_upper[s] + error));
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
      if (bounds::round_down(q_lower[row] - error) > upper) continue;
      left[s].actions.push_back(static_cast<Action>(row - mdp.state_rows()[s]));
    }
  }
  return left;
}

std::string tie_message(const Mdp& mdp, const std::vector<Tie>& ties) {
  std::string actions;
  for (const Action a : ties.front().actions) {
    actions += (actions.empty() ? "" : ", ") + mdp.action_name(mdp.state_rows()[ties.front().state] + a);
  }
  const std::string others = ties.size() == 1 ? "" : " (and " + std::to_string(ties.size() - 1) + " more states)";
  return "state " + mdp.state_name(ties.front().state) + others + ": actions " + actions +
         " cannot be told apart within the bounds of the solution";
}

void require_solution(const Mdp& mdp, const SolveResult& solution) {
  const auto n = static_cast<std::size_t>(mdp.n_states());
  const bool bounded = solution.value_lower.size() == n && solution.value_upper.size() == n;
  const bool unbounded = solution.value_lower.empty() && solution.value_upper.empty();
  if (solution.values.size() == n && solution.policy.size() == n && (bounded || unbounded)) return;
  throw InvalidArgument("derivative: the solution has " + std::to_string(solution.values.size()) + " values, the MDP " +
                        std::to_string(n) + " states");
}

// What AtTies says.
Linearisation at_ties(const Mdp& mdp, std::span<const Action> policy, std::vector<Tie> ties,
                      const DerivativeOptions& options) {
  LinearisationPoint point;
  point.message = tie_message(mdp, ties);
  if (options.at_ties == AtTies::use_policy) {
    point = linearise_policy(mdp, policy, options).point();
    point.message =
        "derivative of the value of the reported policy, not of the optimal values: " + tie_message(mdp, ties);
  } else {
    point.status = Status::refused;
    point.message += "; V* may have no derivative";
  }
  point.ties = std::move(ties);
  return {mdp, std::move(point), options};
}

// Deterministic weights in the states of finite value.
std::vector<double> weights_of(const Mdp& mdp, std::span<const Action> policy, std::span<const double> values) {
  std::vector<double> weights(mdp.n_rows(), 0.0);
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (values[s] < infinity) weights[selected_row(mdp, policy, s)] = 1.0;
  }
  return weights;
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

Linearisation linearise_optimum(const Mdp& mdp, const SolveResult& solution, const DerivativeOptions& options) {
  require_discounted(mdp);
  require_solution(mdp, solution);
  Enclosure made;
  if (solution.value_lower.empty()) made = enclose(mdp, solution.values, options.threads);
  const ValueBounds of = solution.value_lower.empty() ? ValueBounds{made.lower, made.upper}
                                                      : ValueBounds{solution.value_lower, solution.value_upper};
  std::vector<Tie> left = candidates(mdp, of, options.threads);

  Policy policy(mdp.n_states(), 0);
  LinearisationPoint point;
  for (Tie& tie : left) {
    if (options.at_ties == AtTies::drop_duplicates) drop_duplicates(mdp, tie);
    if (tie.actions.empty() && of.lower[tie.state] < infinity) {
      throw InvalidArgument("derivative: the solution's bounds exclude every action of state " +
                            mdp.state_name(tie.state));
    }
    if (tie.actions.size() == 1) policy[tie.state] = tie.actions.front();
    if (tie.actions.size() > 1) point.ties.push_back(std::move(tie));
  }
  if (!point.ties.empty()) return at_ties(mdp, solution.policy, std::move(point.ties), options);
  point.message = "derivative of the optimal values; the optimal actions are unique";
  point.values = solution.values;
  point.value_error_bound = of.error(solution.values);
  point.row_weights = weights_of(mdp, policy, solution.values);
  point.system = std::make_shared<const PolicySystem>(mdp, std::span<const Action>(policy),
                                                      LinearOptions{.threads = options.threads});
  return {mdp, std::move(point), options};
}

}  // namespace mdp::solvers
