#include "equivalence/equivalent_cost.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "equivalence/q_table.hpp"
#include "equivalence/rebuild.hpp"
#include "equivalence/shape.hpp"
#include "equivalence/witness.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/accurate_row.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::equivalence {
namespace {

using kernels::AccurateRow;

// L^ in twice the precision, and gamma^ E_rho^[W], the number that was subtracted.
struct CostTable {
  Buffer<double> cost, tail;      // [n_rows]
  Buffer<double> subtracted;      // [n_rows]
  std::vector<double> advantage;  // [n_rows]
};

// T1 at one pair, centred at its state:  A + (1 - gamma^) W(s) - gamma^ E_rho^[W(s') - W(s)].
void cost_of_row(const Mdp& model, const AccurateRow& rows, const QTable& world, State s, Offset row, CostTable& out) {
  const auto r = static_cast<std::size_t>(row);
  const std::span<const TwoDouble> w = world.minimum;
  const TwoDouble own = w[static_cast<std::size_t>(s)];
  const TwoDouble q = world.q[r];
  const Discount& discount = model.exact_discount();
  out.tail[r] = out.subtracted[r] = 0.0;
  if (own.hi == infinity || q.hi == infinity) {
    out.cost[r] = infinity;
    out.advantage[r] = own.hi == infinity ? 0.0 : infinity;
    return;
  }
  const TwoDouble advantage = q - own;
  out.advantage[r] = advantage.hi;
  if (discount.value.hi > 0.0 && rows.reaches_infinity(row, w)) {  // TC(a) fails
    out.cost[r] = infinity;
    return;
  }
  TwoDouble step;  // gamma^ E_rho^[W - W(s)]
  if (discount.value.hi > 0.0) step = discount.value * rows.expectation(row, w, own);
  const TwoDouble cost = advantage + (discount.complement * own - step);
  out.cost[r] = cost.hi;
  out.tail[r] = cost.lo;
  out.subtracted[r] = (discount.value * own + step).hi;
}

CostTable cost_table(const Mdp& model, const QTable& world, int threads) {
  const AccurateRow rows(model);
  const auto n = static_cast<std::size_t>(model.n_rows());
  CostTable table{Buffer<double>(n), Buffer<double>(n), Buffer<double>(n), std::vector<double>(n)};
  kernels::for_states(model.blocks(), threads, [&](State first, State last) {
    for (State s = first; s < last; ++s) {
      const Offset first_row = model.state_rows()[static_cast<std::size_t>(s)];
      for (Offset row = first_row; row < first_row + model.n_actions(s); ++row) {
        cost_of_row(model, rows, world, s, row, table);
      }
    }
  });
  return table;
}

// |computed L^ - L^ of the computed Q|: what the sums above round, entries of the model as meant.
double rounding_of_cost(const Mdp& model, const QTable& world) {
  return bounds::round_up(AccurateRow::error(model.max_row_length() + 4, 6.0 * world.max_abs_value) +
                          2.0 * world.rounding_bound);
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
  result.condition_number = 0.0;
  for (std::size_t row = 0; row < subtracted.size(); ++row) {
    const double size = std::abs(result.cost[row]);
    if (size == infinity) continue;
    if (size <= zero) {
      ++result.n_zero_cost;
      continue;
    }
    const double condition = std::abs(subtracted[row]) / size;
    if (condition > result.condition_number || result.condition_row < 0) {
      result.condition_number = condition;
      result.condition_row = static_cast<Offset>(row);
    }
  }
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
  if (threads < 0) return "threads = " + std::to_string(threads) + ", required >= 0 (0 = all)";
  return {};
}

EquivalentCostResult equivalent_cost(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                                     const EquivalentCostOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  require_same_shape(world, model);
  require_valid(world, world_values, "world");
  const auto start = std::chrono::steady_clock::now();

  const QTable table = q_table(world, with_goal_values(world, world_values.values), options.threads);
  CostTable costs = cost_table(model, table, options.threads);
  const double rounding = rounding_of_cost(model, table);

  EquivalentCostResult result;
  result.level = world_values.level();
  result.cost.assign(costs.cost.begin(), costs.cost.end());
  result.advantage = std::move(costs.advantage);
  result.q.reserve(table.q.size());
  for (const TwoDouble& q : table.q) result.q.push_back(q.hi);
  set_bounds(world, world_values, model, rounding, result);
  set_condition(costs.subtracted, world_values.certified() ? result.cost_error_bound : rounding, result);

  // A* <= A + 2 gamma r + rounding: a pair with a larger A is certainly not optimal.
  const double doubt = 2.0 * (rounding + (world_values.certified() ? world_values.radius() : 0.0));
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
