#include "equivalence/potential_cost.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "equivalence/enclosed_q.hpp"
#include "equivalence/level_verdicts.hpp"
#include "equivalence/q_distance.hpp"
#include "equivalence/q_table.hpp"
#include "equivalence/rebuild.hpp"
#include "equivalence/shape.hpp"
#include "equivalence/shaped_cost.hpp"
#include "equivalence/witness.hpp"
#include "libmdp/error.hpp"
#include "solvers/solve.hpp"

namespace mdp::equivalence {
namespace {

template <class F>
void each_row(const Mdp& mdp, State s, F&& f) {
  for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) f(row);
}

std::string pair_of(const Mdp& mdp, State s, Offset row) {
  return pair_text(mdp, s, static_cast<Action>(row - mdp.state_rows()[at(s)]));
}

void require_length(const std::vector<double>& x, Offset n, const char* name, const char* what) {
  if (x.empty() || x.size() == at(n)) return;
  throw InvalidArgument(fmt::format("{} of {} entries, required {} = {}", name, x.size(), what, n));
}

// Phi and B in twice the precision, the options' or the world's own.
struct Shape {
  std::vector<TwoDouble> potential, slack;
};

Shape shape_of(const Mdp& world, const QTable& table, const PotentialCostOptions& options) {
  Shape shape{std::vector<TwoDouble>(table.minimum), std::vector<TwoDouble>(table.q.size(), infinity)};
  for (State s = 0; s < world.n_states(); ++s) {
    const TwoDouble own = table.minimum[at(s)];
    if (own.hi == infinity) continue;
    if (!options.potential.empty()) shape.potential[at(s)] = options.potential[at(s)];
    if (!(std::abs(shape.potential[at(s)].hi) < infinity)) {
      throw InvalidArgument(fmt::format("potential at state {}: {}, required finite where V* is", world.state_name(s),
                                        shape.potential[at(s)].hi));
    }
    double least = infinity;
    each_row(world, s, [&](Offset row) {
      TwoDouble& b = shape.slack[at(row)];
      if (!options.slack.empty()) {
        b = options.slack[at(row)];
      } else if (table.q[at(row)].hi < infinity) {
        b = table.q[at(row)] - own;
      }
      if (!(b.hi >= 0.0))
        throw InvalidArgument(fmt::format("slack at {}: {}, required >= 0", pair_of(world, s, row), b.hi));
      least = std::min(least, b.hi);
    });
    if (least > 0.0) {
      throw InvalidArgument(
          fmt::format("slack: no action of state {} has slack 0, required for the optimal ones", world.state_name(s)));
    }
  }
  return shape;
}

// B = 0 exactly on {A* = 0}, as far as the enclosure of V* tells.
void compare_sets(const Mdp& world, const KnownValues& known, const Shape& shape, PotentialCost& result) {
  const EnclosedQ enclosed(world, known);
  const double rounding = 2.0 * enclosed.rounding_bound();
  result.keeps_optimal_sets = Verdict::yes;
  const auto lower_to = [&](Verdict verdict, Offset row) {
    if (verdict >= result.keeps_optimal_sets) return;
    result.keeps_optimal_sets = verdict;
    result.row = row;
  };
  for (State s = 0; s < world.n_states(); ++s) {
    if (known.values[at(s)] == infinity) continue;
    TwoDouble value_upper = infinity;
    each_row(world, s, [&](Offset row) {
      const TwoDouble upper = enclosed(s, row).upper;
      if (upper < value_upper) value_upper = upper;
    });
    Offset n_possible = 0;
    const auto is_possible = [&](Offset row) { return (enclosed(s, row).lower - value_upper).hi - rounding <= 0.0; };
    each_row(world, s, [&](Offset row) { n_possible += is_possible(row) ? 1 : 0; });
    each_row(world, s, [&](Offset row) {
      const bool zero = shape.slack[at(row)].hi == 0.0;
      if (!is_possible(row)) {
        if (zero) lower_to(Verdict::no, row);
      } else if (n_possible == 1) {
        if (!zero) lower_to(Verdict::no, row);
      } else {
        lower_to(Verdict::undecided, row);
      }
    });
  }
}

// The one-step problem with Q = Phi + B and V = Phi: cost Phi + B, discount 0.
Mdp promise(const Mdp& world, const Shape& shape) {
  Buffer<double> cost(at(world.n_rows())), tail(at(world.n_rows()));
  for (State s = 0; s < world.n_states(); ++s) {
    each_row(world, s, [&](Offset row) {
      const bool infinite = shape.potential[at(s)].hi == infinity || shape.slack[at(row)].hi == infinity;
      const TwoDouble q = infinite ? TwoDouble(infinity) : shape.potential[at(s)] + shape.slack[at(row)];
      cost[at(row)] = q.hi;
      tail[at(row)] = infinite ? 0.0 : q.lo;
    });
  }
  return world.with_discount(0.0).with_cost(std::move(cost), std::move(tail));
}

std::vector<double> high_parts(std::span<const TwoDouble> x) {
  std::vector<double> result;
  for (const TwoDouble& v : x) result.push_back(v.hi);
  return result;
}

void confirm(const Mdp& world, const Shape& shape, const solvers::SolveOptions& options, PotentialCost& result) {
  const auto solved = solvers::solve(*result.model, options);
  result.status = solved.status;
  result.message = solved.message;
  if (!(solved.value_error_bound < infinity)) return;
  std::vector<double> lower, upper;
  for (const TwoDouble& phi : shape.potential) {
    lower.push_back(phi.hi == infinity ? infinity : bounds::round_down(phi.hi));
    upper.push_back(phi.hi == infinity ? infinity : bounds::round_up(phi.hi));
  }
  const std::vector<double> middle = high_parts(shape.potential);
  result.q_distance =
      q_distance(promise(world, shape), {middle, lower, upper}, *result.model, solved, {}, options.threads).norm;
}

}  // namespace

std::string PotentialCostOptions::check() const {
  if (solve.level != Level::certified) return "solve.level must be certified: the model confirms the cost";
  return solve.check();
}

PotentialCost potential_cost(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                             const PotentialCostOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  require_same_shape(world, model);
  require_certified(world, world_values, "world");
  require_length(options.potential, world.n_states(), "potential", "n_states");
  require_length(options.slack, world.n_rows(), "slack", "n_rows");
  if (!(model.discount() < 1.0)) throw InvalidArgument("the model's discount is 1: T4 needs one below 1");
  const QTable table = q_table(world, with_goal_values(world, world_values.values), options.solve.threads);
  const Shape shape = shape_of(world, table, options);
  ShapedCost cost = shaped_cost(model, shape.slack, shape.potential, shape.potential, options.solve.threads);
  PotentialCost result;
  result.cost.assign(cost.cost.begin(), cost.cost.end());
  result.potential = high_parts(shape.potential);
  result.slack = high_parts(shape.slack);
  double largest = 0.0, subtracted = 0.0;
  for (State s = 0; s < world.n_states(); ++s) {
    each_row(world, s, [&](Offset row) {
      if (result.cost[at(row)] < infinity) {
        largest = std::max(largest, std::abs(result.cost[at(row)]));
        subtracted = std::max(subtracted, std::abs(cost.subtracted[at(row)]));
      } else if (shape.potential[at(s)].hi < infinity && shape.slack[at(row)].hi < infinity) {
        throw InvalidArgument(violation_text(world, world_values.values, model, row) + "; give it slack inf");
      }
    });
  }
  result.condition_number = largest > 0.0 ? subtracted / largest : infinity;
  compare_sets(world, world_values, shape, result);
  result.model = without_lost_goals(model.with_cost(std::move(cost.cost), std::move(cost.tail)));
  confirm(world, shape, options.solve, result);
  if (result.keeps_optimal_sets == Verdict::no) {
    result.status = Status::refused;
    const State s = world.state_of(result.row);
    result.message =
        fmt::format("slack at {} is {}, but the action is certainly {} in the world", pair_of(world, s, result.row),
                    result.slack[at(result.row)], result.slack[at(result.row)] > 0.0 ? "optimal" : "not optimal");
  } else if (result.status == Status::converged) {
    result.message = "V^* = Phi and Q^* = Phi + B (T4)";
  }
  return result;
}

}  // namespace mdp::equivalence
