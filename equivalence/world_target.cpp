#include "equivalence/world_target.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "equivalence/rebuild.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/accurate_row.hpp"
#include "libmdp/vectors.hpp"

namespace mdp::equivalence {
namespace {

using solvers::Criterion;
using solvers::CriterionOptions;
using solvers::CriterionResult;

// Improvements of the bias at equal gain: each ends, they are finitely many; a rounded one is stopped here.
constexpr int max_improvements = 100;
constexpr double gain_tolerance = 1e-9;

void take_values(const CriterionResult& solved, const Mdp& world, WorldTarget& target) {
  target.status = solved.status;
  target.message = solved.message;
  target.values = solved.values;
  if (solved.level == Level::certified && solved.value_error_bound < infinity) {
    target.lower = solved.value_lower;
    target.upper = solved.value_upper;
  }
  for (State s = 0; s < world.n_states(); ++s) {
    const double v = target.values.empty() ? not_computed : target.values[at(s)];
    if (v > -infinity) continue;  // false for NaN
    target.status = std::isnan(v) && solved.status != Status::undefined ? solved.status : Status::refused;
    target.message =
        fmt::format("the world's value at state {} is {}: there is no finite Q* to reproduce", world.state_name(s),
                    std::isnan(v) ? "undefined (infinity minus infinity)" : "-infinity");
    if (solved.status == Status::undefined || v == -infinity) target.status = Status::refused;
    return;
  }
}

// [n_rows] L - g in the gain-preserving rows, +inf in the others.
Buffer<double> differential_costs(const Mdp& world, std::span<const double> gain) {
  const kernels::AccurateRow rows(world);
  const double scale = gain_tolerance * std::max(max_abs_finite(gain), world.max_abs_cost());
  Buffer<double> cost(at(world.n_rows()), infinity);
  for (State s = 0; s < world.n_states(); ++s) {
    const double g = gain[at(s)];
    for (Offset row = world.state_rows()[at(s)]; row < world.state_rows()[at(s) + 1]; ++row) {
      if (g == infinity || rows.reaches_infinity(row, gain)) continue;
      if (rows.expectation(row, gain, g).hi <= scale) cost[at(row)] = world.cost()[at(row)] - g;
    }
  }
  return cost;
}

// Greedy for h among rows of finite cost; the largest improvement over h, in size.
double improve(const Mdp& step, std::span<const double> h, Policy& policy) {
  const kernels::AccurateRow rows(step);
  double largest = 0.0;
  for (State s = 0; s < step.n_states(); ++s) {
    if (h[at(s)] == infinity) continue;
    const Offset first = step.state_rows()[at(s)];
    const auto q = [&](Offset row) {
      return step.cost()[at(row)] == infinity ? infinity : (rows.cost(row) + rows.expectation(row, h, h[at(s)])).hi;
    };
    double best = q(first + policy[at(s)]);
    const double tolerance = gain_tolerance * std::max(1.0, std::abs(h[at(s)]));
    for (Action a = 0; a < step.n_actions(s); ++a) {
      if (!(q(first + a) < best - tolerance)) continue;
      best = q(first + a);
      policy[at(s)] = a;
    }
    largest = std::max(largest, std::abs(best));
  }
  return largest;
}

void take_bias(const Mdp& world, const CriterionResult& solved, const CriterionOptions& options, WorldTarget& target) {
  target.status = solved.status;
  target.message = solved.message;
  if (solved.gain.empty() || solved.bias.empty()) return;
  std::vector<double> gain = solved.gain, h = solved.bias;
  for (std::size_t s = 0; s < gain.size(); ++s) {
    if (gain[s] == infinity) h[s] = infinity;
  }
  target.step = target.step.with_discount(1.0).with_cost(differential_costs(world, gain));
  Policy policy = solved.policy;
  for (int i = 0; i < max_improvements; ++i) {
    const Policy before = policy;
    const double residual = improve(target.step, h, policy);
    if (policy == before) {
      target.values = std::move(h);
      if (!(residual <= 1e-6 * std::max(1.0, max_abs_finite(target.values)))) {
        target.status = Status::precision_limit;
        target.message = fmt::format("the bias of the world misses its optimality equation by {:.2g}", residual);
      }
      return;
    }
    const auto better = solvers::evaluate_criterion(world, policy, Criterion::average, options);
    for (std::size_t s = 0; s < h.size(); ++s) h[s] = gain[s] == infinity ? infinity : better.bias[s];
  }
  target.values = std::move(h);
  target.status = Status::precision_limit;
  target.message = "the bias of the world does not settle";
}

}  // namespace

WorldTarget world_target(const Mdp& world, Criterion criterion, const CriterionOptions& options, std::int64_t stage) {
  if (criterion == Criterion::reach) {
    throw InvalidOption("the world's criterion is reach: convert it to goal or total costs first");
  }
  if (criterion == Criterion::finite && (stage < 0 || stage >= options.horizon)) {
    throw InvalidOption(fmt::format("stage = {}, required 0 <= stage < horizon = {}", stage, options.horizon));
  }
  // At a goal state V* = 0 is known, but not the bias, nor the values before a terminal cost: there it is a state like others.
  const bool free_goals = criterion == Criterion::finite || criterion == Criterion::average;
  WorldTarget target{
      criterion, Status::not_run, {}, free_goals && !world.goal().empty() ? with_goals(world, {}) : world, {}, {}, {},
      -1};
  CriterionOptions asked = options;
  if (criterion == Criterion::finite) {
    target.stages = options.horizon - stage;
    asked.horizon = target.stages - 1;  // V*_{k+1} of the stages that remain
  }
  const auto solved = solvers::solve_criterion(world, criterion, asked);
  if (criterion == Criterion::average) {
    take_bias(world, solved, options, target);
    return target;
  }
  take_values(solved, world, target);
  if (criterion == Criterion::goal || criterion == Criterion::total) target.step = world.with_discount(1.0);
  return target;
}

}  // namespace mdp::equivalence
