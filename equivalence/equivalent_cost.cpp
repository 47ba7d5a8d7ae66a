#include "equivalence/equivalent_cost.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "equivalence/q_table.hpp"
#include "equivalence/rebuild.hpp"
#include "equivalence/shape.hpp"
#include "equivalence/shaped_cost.hpp"
#include "equivalence/witness.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"

namespace mdp::equivalence {
namespace {

// A = Q - W, +inf where Q is and W is not, 0 where both are.
std::vector<TwoDouble> advantages(const Mdp& mdp, const QTable& table) {
  std::vector<TwoDouble> advantage(table.q.size());
  for (State s = 0; s < mdp.n_states(); ++s) {
    const TwoDouble own = table.minimum[static_cast<std::size_t>(s)];
    const Offset first = mdp.state_rows()[static_cast<std::size_t>(s)];
    for (Offset row = first; own.hi < infinity && row < first + mdp.n_actions(s); ++row) {
      const TwoDouble q = table.q[static_cast<std::size_t>(row)];
      advantage[static_cast<std::size_t>(row)] = q.hi == infinity ? TwoDouble(infinity) : q - own;
    }
  }
  return advantage;
}

// Ties as equal: A <= doubt becomes 0, Q the minimum of its state; says whether any did.
bool snap_ties(const Mdp& mdp, double doubt, QTable& table) {
  bool snapped = false;
  for (State s = 0; s < mdp.n_states(); ++s) {
    const TwoDouble own = table.minimum[static_cast<std::size_t>(s)];
    const Offset first = mdp.state_rows()[static_cast<std::size_t>(s)];
    for (Offset row = first; own.hi < infinity && row < first + mdp.n_actions(s); ++row) {
      TwoDouble& q = table.q[static_cast<std::size_t>(row)];
      if (!(own < q) || q.hi == infinity || (q - own).hi > doubt) continue;
      q = own;
      snapped = true;
    }
  }
  return snapped;
}

// |computed L^ - L^ of the computed Q|: what the sums above round, entries of the model as meant.
double rounding_of_cost(const Mdp& model, const QTable& world) {
  return bounds::round_up(shaped_cost_error(model, world.max_abs_value) + 2.0 * world.rounding_bound);
}

void set_bounds(const Mdp& world, const KnownValues& values, const Mdp& model, double rounding,
                EquivalentCostResult& result) {
  if (!values.certified()) return;
  const auto up = [](double x) { return bounds::round_up(x); };
  // ||W - V*|| <= gamma r and |Q - Q*| <= gamma r, r = ||V - V*||: T is a contraction.
  const double gamma_radius = up(up(world.discount()) * values.radius());
  const double gamma_model = up(model.discount());
  double largest = 0.0;
  for (const double c : result.cost) {
    if (c < infinity) largest = std::max(largest, std::abs(c));
  }
  result.cost_error_bound = up(up(up(gamma_radius * up(1.0 + gamma_model)) + rounding) + up(unit_roundoff * largest));
  if (model.discount() < 1.0) {
    // The model with the exact L^ of the table has Q^* = Q (T1); an error e of L^ moves Q^* by e/(1 - gamma^) (C2).
    result.q_error_bound = up(up(gamma_radius + world.entry_error().cost_absolute) +
                              bounds::value_error(rounding, model.exact_discount()));
  }
}

void set_condition(const Buffer<double>& subtracted, double zero, EquivalentCostResult& result) {
  result.pair_condition_number = 0.0;
  double largest_cost = 0.0, largest_subtracted = 0.0;
  for (std::size_t row = 0; row < subtracted.size(); ++row) {
    const double size = std::abs(result.cost[row]);
    if (size == infinity) continue;
    largest_cost = std::max(largest_cost, size);
    largest_subtracted = std::max(largest_subtracted, std::abs(subtracted[row]));
    if (size <= zero) {
      ++result.n_zero_cost;
      continue;
    }
    const double condition = std::abs(subtracted[row]) / size;
    if (condition > result.pair_condition_number || result.condition_row < 0) {
      result.pair_condition_number = condition;
      result.condition_row = static_cast<Offset>(row);
    }
  }
  result.condition_number = largest_cost > zero ? largest_subtracted / largest_cost : infinity;
}

std::string describe(const Mdp& world, const EquivalentCostResult& result) {
  if (result.n_violations == 0) return {};
  const Violation* first = result.violations.empty() ? nullptr : &result.violations.front();
  std::string message =
      "TC(a) fails at " + std::to_string(result.n_violations) + (result.n_violations == 1 ? " pair" : " pairs");
  if (first != nullptr) {
    message += ", first at state " + world.state_name(world.state_of(first->row)) + ", action " +
               world.action_name(first->row) + ": the model can go to state " + world.state_name(first->next) +
               ", where V* is infinite in the world";
  }
  return message;
}

void conclude(const Mdp& world, const Mdp& model, bool some_maybe_optimal, bool exclude, EquivalentCostResult& result) {
  result.message = describe(world, result);
  const bool violated = result.n_violations > 0;
  if (violated && some_maybe_optimal) {
    result.scope = Scope::none;
    result.status = Status::refused;
    result.message += "; some of these pairs may be optimal, so that no equivalent cost exists";
  } else if (model.discount() >= 1.0) {
    result.scope = Scope::finite_horizon;
    result.status = Status::refused;
    result.message += std::string(violated ? "; " : "") +
                      "the model's discount is 1: Q^* = Q* holds for N stages with terminal cost V* (T2), not in "
                      "general for the undiscounted sum (T2', T3)";
  } else if (violated) {
    result.scope = Scope::optimal_pairs;
    result.status = exclude ? Status::converged : Status::refused;
    result.message += "; none of these pairs is optimal: with infinite cost there V* and the optimal actions are kept";
  } else {
    result.scope = Scope::all_pairs;
    result.status = Status::converged;
    result.message = "Q^* = Q* at every pair (T1)";
  }
}

}  // namespace

std::string EquivalentCostOptions::check() const {
  if (max_witnesses < 0) return "max_witnesses = " + std::to_string(max_witnesses) + ", required >= 0";
  if (!(tie_tolerance >= 0.0)) return "tie_tolerance = " + std::to_string(tie_tolerance) + ", required >= 0";
  if (threads < 0) return "threads = " + std::to_string(threads) + ", required >= 0 (0 = all)";
  return {};
}

EquivalentCostResult equivalent_cost(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                                     const EquivalentCostOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  require_same_shape(world, model);
  require_valid(world, world_values, "world");
  const auto start = std::chrono::steady_clock::now();

  QTable table = q_table(world, with_goal_values(world, world_values.values), options.threads);
  const double rounding = rounding_of_cost(model, table);
  // A* <= A + 2 gamma r + rounding: a pair with a larger A is certainly not optimal.
  const double doubt = bounds::round_up(2.0 * (rounding + (world_values.certified() ? world_values.radius() : 0.0)));
  const double tie = std::max(doubt, options.tie_tolerance);
  const bool snapped = options.ties_as_equal && snap_ties(world, tie, table);
  const std::vector<TwoDouble> advantage = advantages(world, table);
  ShapedCost costs = shaped_cost(model, advantage, table.minimum, table.minimum, options.threads);

  EquivalentCostResult result;
  result.level = world_values.level();
  result.cost.assign(costs.cost.begin(), costs.cost.end());
  for (const TwoDouble& a : advantage) result.advantage.push_back(a.hi);
  result.q.reserve(table.q.size());
  for (const TwoDouble& q : table.q) result.q.push_back(q.hi);
  set_bounds(world, world_values, model, rounding, result);
  if (snapped) {
    result.cost_error_bound = bounds::round_up(result.cost_error_bound + tie);
    result.q_error_bound = bounds::round_up(result.q_error_bound + tie);
  }
  set_condition(costs.subtracted, world_values.certified() ? result.cost_error_bound : rounding, result);

  bool some_maybe_optimal = false;
  for (std::size_t row = 0; row < result.cost.size(); ++row) {
    if (result.cost[row] < infinity || result.q[row] == infinity) continue;
    ++result.n_violations;
    some_maybe_optimal = some_maybe_optimal || result.advantage[row] <= doubt;
  }
  if (result.n_violations > 0) {
    result.violations = find_witnesses(world, world_values.values, model, result.q, result.cost, options.max_witnesses);
    for (Violation& v : result.violations) {
      v.maybe_optimal = result.advantage[static_cast<std::size_t>(v.row)] <= doubt;
    }
  }
  conclude(world, model, some_maybe_optimal, options.exclude_violations, result);
  result.model = without_lost_goals(model.with_cost(std::move(costs.cost), std::move(costs.tail)));
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace mdp::equivalence
