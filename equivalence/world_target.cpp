#include "equivalence/world_target.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "equivalence/rebuild.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/accurate_row.hpp"
#include "libmdp/vectors.hpp"

namespace mdp::equivalence {
namespace {

using solvers::Criterion;
using solvers::CriterionOptions;
using solvers::CriterionResult;

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

// An average world from its solve: costs L - g, the bias of a policy that satisfies the optimality equation, and bounds.
class AverageTarget {
 public:
  AverageTarget(const Mdp& world, const CriterionResult& solved, const CriterionOptions& options, WorldTarget& target)
      : world_(world), options_(options), target_(target), found_(solved) {}

  void operator()() {
    target_.status = found_.status;
    target_.message = found_.message;
    if (found_.gain.empty() || found_.bias.empty()) return;
    target_.policy = found_.policy;
    set_costs();
    for (int i = 0; i < max_improvements; ++i) {
      set_values();
      const Policy before = target_.policy;
      improve();
      if (target_.policy == before) return conclude();
      found_ = solvers::evaluate_criterion(world_, target_.policy, Criterion::average, options_);
    }
    target_.status = Status::precision_limit;
    target_.message = "the bias of the world does not settle";
  }

 private:
  // L - g in the rows that are not proved to lose gain, +inf in the others.
  void set_costs() {
    const kernels::AccurateRow rows(world_);
    const bool enclosed = !found_.gain_lower.empty();
    const auto& least = enclosed ? found_.gain_lower : found_.gain;
    const auto& most = enclosed ? found_.gain_upper : found_.gain;
    const double size = max_abs_finite(most);
    const double doubt = enclosed ? kernels::AccurateRow::error(world_.max_row_length(), 2.0 * size)
                                  : approximate * std::max(size, world_.max_abs_cost());
    Buffer<double> cost(at(world_.n_rows()), infinity), tail(cost.size(), 0.0);
    for (State s = 0; s < world_.n_states(); ++s) {
      const double g = found_.gain[at(s)];
      if (g == infinity) continue;
      half_width_ = std::max({half_width_, bounds::round_up(most[at(s)] - g), bounds::round_up(g - least[at(s)])});
      for (Offset row = world_.state_rows()[at(s)]; row < world_.state_rows()[at(s) + 1]; ++row) {
        if (world_.cost()[at(row)] == infinity || rows.reaches_infinity(row, std::span<const double>(most))) continue;
        if (rows.expectation(row, std::span<const double>(least), most[at(s)]).hi > doubt) continue;
        const TwoDouble c = rows.cost(row) - TwoDouble(g);
        cost[at(row)] = c.hi;
        tail[at(row)] = c.lo;
      }
    }
    target_.step = target_.step.with_discount(1.0).with_cost(std::move(cost), std::move(tail));
  }

  // Of the last policy. Bounds are widened by what the gain in the costs may be off.
  void set_values() {
    target_.values = found_.bias;
    target_.lower.clear();
    target_.upper.clear();
    radius_ = 0.0;
    for (std::size_t s = 0; s < found_.bias.size(); ++s) {
      if (found_.gain[s] == infinity) {
        target_.values[s] = infinity;
      } else if (!found_.bias_lower.empty()) {
        radius_ = std::max({radius_, bounds::round_up(found_.bias_upper[s] - found_.bias[s]),
                            bounds::round_up(found_.bias[s] - found_.bias_lower[s])});
      }
    }
    if (found_.bias_lower.empty() || !(radius_ < infinity)) return;
    for (std::size_t s = 0; s < found_.bias.size(); ++s) {
      const bool infinite = found_.gain[s] == infinity;
      target_.lower.push_back(infinite ? infinity : bounds::round_down(found_.bias_lower[s] - half_width_));
      target_.upper.push_back(infinite ? infinity : bounds::round_up(found_.bias_upper[s] + half_width_));
    }
  }

  // What a difference of two Q is known to.
  [[nodiscard]] double doubt() const {
    if (target_.lower.empty()) return approximate * std::max(1.0, max_abs_finite(target_.values));
    const double size = world_.max_abs_cost() + max_abs_finite(found_.gain) + 3.0 * max_abs_finite(target_.values);
    const double rounding = kernels::AccurateRow::error(world_.max_row_length() + 4, size);
    return 2.0 * bounds::round_up(radius_ + half_width_ + rounding);
  }

  // Takes the best action of each state where it is proved better. NaN values are better than nothing.
  void improve() {
    const kernels::AccurateRow rows(target_.step);
    const std::span<const double> h = target_.values;
    const double tolerance = doubt();
    target_.optimality_residual = 0.0;
    for (State s = 0; s < target_.step.n_states(); ++s) {
      if (h[at(s)] == infinity) continue;
      const Offset first = target_.step.state_rows()[at(s)];
      const auto excess = [&](Offset row) {  // Q - h
        if (target_.step.cost()[at(row)] == infinity) return infinity;
        return (rows.cost(row) + rows.expectation(row, h, h[at(s)])).value();
      };
      double best = excess(first + target_.policy[at(s)]);
      for (Action a = 0; a < target_.step.n_actions(s); ++a) {
        const double own = excess(first + a);
        target_.optimality_residual = std::max(target_.optimality_residual, -own);
        if (!(own < best - tolerance)) continue;
        best = own;
        target_.policy[at(s)] = a;
      }
    }
    target_.optimality_residual = bounds::round_up(target_.optimality_residual + tolerance);
  }

  void conclude() {
    const double size = std::max(1.0, max_abs_finite(target_.values));
    for (const double h : target_.values) {
      if (!std::isnan(h)) continue;
      target_.status = Status::precision_limit;
      target_.message = "the bias of the world was not computed: many states and several recurrent classes";
      return;
    }
    if (target_.optimality_residual <= 1e-6 * size) return;
    target_.status = Status::precision_limit;
    target_.message =
        fmt::format("the bias of the world misses its optimality equation by {:.2g}", target_.optimality_residual);
  }

  // Improvements of the bias at equal gain: each ends, they are finitely many; a rounded one is stopped here.
  static constexpr int max_improvements = 100;
  static constexpr double approximate = 1e-9;  // relative, where nothing is enclosed

  const Mdp& world_;
  const CriterionOptions& options_;
  WorldTarget& target_;
  CriterionResult found_;    // of the last policy
  double half_width_ = 0.0;  // of the gain in the costs
  double radius_ = 0.0;      // of the bias
};

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
      criterion, Status::not_run, {}, free_goals && !world.goal().empty() ? with_goals(world, {}) : world};
  CriterionOptions asked = options;
  if (criterion == Criterion::finite) {
    target.stages = options.horizon - stage;
    asked.horizon = target.stages - 1;  // V*_{k+1} of the stages that remain
  }
  const auto solved = solvers::solve_criterion(world, criterion, asked);
  if (criterion == Criterion::average) {
    AverageTarget(world, solved, options, target)();
    return target;
  }
  take_values(solved, world, target);
  if (criterion == Criterion::goal || criterion == Criterion::total) target.step = world.with_discount(1.0);
  return target;
}

}  // namespace mdp::equivalence
