#include "cli/finite_differences.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "cli/table.hpp"
#include "cli/value_tables.hpp"
#include "solvers/criterion.hpp"
#include "solvers/in_real_gradient.hpp"

namespace mdp::cli {
namespace {

/// (4 D(h) - D(2h))/3 with D the central difference: error O(h^4).
double extrapolated(const std::function<double(double)>& f, double h) {
  const double near = (f(h) - f(-h)) / (2 * h);
  const double far = (f(2 * h) - f(-2 * h)) / (4 * h);
  return (4 * near - far) / 3;
}

/// The derivative from below, from f at 0, -h, …, -4h: error O(h^4).
double one_sided(const std::function<double(double)>& f, double h) {
  return (25 * f(0.0) - 48 * f(h) + 36 * f(2 * h) - 16 * f(3 * h) + 3 * f(4 * h)) / (12 * h);
}

Mdp with_cost_moved(const Mdp& model, std::size_t row, double by) {
  Buffer<double> cost(model.cost().begin(), model.cost().end());
  cost[row] += by;
  return model.with_cost(std::move(cost));
}

MdpArrays arrays_of(const Mdp& model) {
  MdpArrays arrays;
  arrays.state_rows.assign(model.state_rows().begin(), model.state_rows().end());
  arrays.row_begin.assign(model.row_begin().begin(), model.row_begin().end());
  arrays.next_state.assign(model.next_state().begin(), model.next_state().end());
  arrays.probability.assign(model.probability().begin(), model.probability().end());
  arrays.cost.assign(model.cost().begin(), model.cost().end());
  arrays.discount = model.exact_discount();
  arrays.initial.assign(model.initial().begin(), model.initial().end());
  arrays.goal.assign(model.goal().begin(), model.goal().end());
  return arrays;
}

Offset row_of(const Mdp& model, std::size_t transition) {
  const auto after =
      std::upper_bound(model.row_begin().begin(), model.row_begin().end(), static_cast<Offset>(transition));
  return after - model.row_begin().begin() - 1;
}

/// One probability moved, its row divided by its sum.
Mdp normalised_move(const Mdp& model, std::size_t transition, double by) {
  MdpArrays arrays = arrays_of(model);
  arrays.probability[transition] += by;
  BuildOptions options;
  options.row_sum_tolerance = 0.5;
  return build(std::move(arrays), options).with_objective(model.objective());
}

/// One probability lowered alone; what its row loses goes to a last state that costs nothing for ever.
Mdp lowered(const Mdp& model, std::size_t transition, double by, bool lost_is_goal) {
  MdpArrays arrays = arrays_of(model);
  const Offset row = row_of(model, transition);
  const auto end = static_cast<std::ptrdiff_t>(model.row_begin()[static_cast<std::size_t>(row) + 1]);
  const State last = model.n_states();
  arrays.probability[transition] -= by;
  arrays.probability.insert(arrays.probability.begin() + end, by);
  arrays.next_state.insert(arrays.next_state.begin() + end, last);
  for (auto r = static_cast<std::size_t>(row) + 1; r < arrays.row_begin.size(); ++r) ++arrays.row_begin[r];
  arrays.state_rows.push_back(model.n_rows() + 1);
  arrays.next_state.push_back(last);
  arrays.probability.push_back(1.0);
  arrays.row_begin.push_back(static_cast<Offset>(arrays.next_state.size()));
  arrays.cost.push_back(0.0);
  arrays.initial.push_back(0.0);
  if (lost_is_goal) arrays.goal.push_back(last);
  BuildOptions options;
  options.row_sum_tolerance = 0.5;
  return build(std::move(arrays), options).with_objective(model.objective());
}

/// Positions of the largest |x|, ties to the lowest position.
std::vector<std::size_t> largest(std::span<const double> x, std::int64_t n) {
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto end =
      order.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(order.size(), static_cast<std::size_t>(n)));
  std::partial_sort(order.begin(), end, order.end(), [&](std::size_t a, std::size_t b) {
    return std::abs(x[a]) > std::abs(x[b]) || (std::abs(x[a]) == std::abs(x[b]) && a < b);
  });
  order.erase(end, order.end());
  return order;
}

}  // namespace

GradientCheck check_gradient(const Mdp& model, const solvers::EntryGradient& gradient,
                             solvers::EntryConvention convention, const ModelNumber& f, const DifferenceSteps& steps,
                             std::int64_t n, const WithRespectTo& parts) {
  GradientCheck check;
  const double here = std::abs(f(model));
  // The quotient by the largest of three steps at which it agrees, else the nearest: beyond a kink of V* no step agrees.
  // What f's own rounding does to a quotient is not held against it.
  const auto compare = [&](double exact, double scale, double step, const std::function<double(double)>& quotient_by) {
    double nearest = not_computed;
    double excess = infinity;
    for (int i = 0; i < 3 && excess > agreement * scale; ++i, step /= 64) {
      const double quotient = quotient_by(step);
      const double beyond = std::max(std::abs(exact - quotient) - 32 * unit_roundoff * here / step, 0.0);
      if (beyond < excess) nearest = quotient;
      excess = std::min(excess, beyond);
    }
    check.max_error = std::max(check.max_error, std::abs(exact - nearest));
    if (excess > 0.0) check.max_relative_error = std::max(check.max_relative_error, excess / scale);
    return nearest;
  };
  const auto at_goal = [&](Offset row) {  // stays as it is
    return std::ranges::find(model.goal(), model.state_of(row)) != model.goal().end();
  };
  if (parts.cost) {
    const auto rows = largest(gradient.cost, n);
    for (const std::size_t row : rows) {
      if (model.cost()[row] == infinity || at_goal(static_cast<Offset>(row))) continue;
      const double quotient = compare(
          gradient.cost[row], std::abs(gradient.cost[rows.front()]), steps.cost,
          [&](double h) { return extrapolated([&](double by) { return f(with_cost_moved(model, row, by)); }, h); });
      check.entries.push_back({true, static_cast<Offset>(row), -1, gradient.cost[row], quotient});
    }
  }
  if (parts.probability) {
    const auto transitions = largest(gradient.probability, n);
    for (const std::size_t k : transitions) {
      if (at_goal(row_of(model, k))) continue;
      const double p = model.probability()[k];
      const double h = std::exp2(std::floor(std::log2(std::min(p / 8, steps.probability))));  // p - h is exact
      if (h < 16 * unit_roundoff * p) {
        ++check.n_skipped;
        continue;
      }
      const auto moved = [&](double by) { return f(by > 0.0 ? lowered(model, k, by, steps.lost_is_goal) : model); };
      const double quotient =
          compare(gradient.probability[k], std::abs(gradient.probability[transitions.front()]), h, [&](double step) {
            return convention == solvers::EntryConvention::normalised
                       ? extrapolated([&](double by) { return f(normalised_move(model, k, by)); }, step)
                       : one_sided(moved, step);
          });
      check.entries.push_back({false, row_of(model, k), model.next_state()[k], gradient.probability[k], quotient});
    }
  }
  if (parts.discount && model.discount() > 0) {
    check.discount_exact = gradient.discount;
    const auto lower = [&](double by) { return f(model.with_discount(Discount(model.discount() - by))); };
    check.discount_quotient =
        compare(gradient.discount, std::abs(gradient.discount), std::min(steps.discount, model.discount() / 8),
                [&](double h) { return one_sided(lower, h); });
  }
  return check;
}

ModelNumber world_performance(const Mdp& world, solvers::SoftOptions soft) {
  soft.tolerance = 0.0;  // as far as rounding lets it
  soft.relative_tolerance = 1e-14;
  soft.max_sweeps = 40;
  return [world, soft](const Mdp& model) {
    solvers::SoftOptions options = soft;
    if (!options.reference.empty()) options.reference.resize(static_cast<std::size_t>(model.n_rows()), 1.0);
    StochasticPolicy policy = solvers::solve_soft(model, options).policy;
    policy.resize(static_cast<std::size_t>(world.n_rows()));
    return solvers::policy_gradient(world, policy, 0.0, options.threads).performance;
  };
}

ModelNumber optimal_performance(solvers::Criterion criterion, solvers::CriterionOptions options) {
  options.solve.tolerance = 0.0;
  options.solve.relative_tolerance = 1e-14;
  options.solve.max_sweeps = 1000;
  options.solve.observer = {};
  return [criterion, options](const Mdp& model) {
    solvers::CriterionOptions here = options;
    if (!here.terminal.empty()) here.terminal.resize(static_cast<std::size_t>(model.n_states()), 0.0);
    const solvers::CriterionResult solved = solvers::solve_criterion(model, criterion, here);
    return initial_average(model, criterion == solvers::Criterion::average ? solved.gain : solved.values);
  };
}

Result to_result(const Mdp& model, const GradientCheck& check, Objective sense) {
  const double sign = sense == Objective::maximize ? -1.0 : 1.0;
  std::vector<Result> entries;
  for (const CheckedEntry& entry : check.entries) {
    const State s = model.state_of(entry.row);
    const double entry_sign = entry.is_cost ? 1.0 : sign;
    Result one;
    one.set("entry", entry.is_cost ? "cost" : "probability");
    one.set("state", std::int64_t{s});
    one.set("action", entry.row - model.state_rows()[static_cast<std::size_t>(s)]);
    if (!entry.is_cost) one.set("next_state", std::int64_t{entry.next_state});
    one.set("exact", entry_sign * entry.exact);
    one.set("finite_difference", entry_sign * entry.difference_quotient);
    entries.push_back(std::move(one));
  }
  if (!std::isnan(check.discount_exact)) {
    Result discount;
    discount.set("entry", "discount");
    discount.set("exact", sign * check.discount_exact);
    discount.set("finite_difference", sign * check.discount_quotient);
    entries.push_back(std::move(discount));
  }
  Result result;
  result.set("entries", std::move(entries));
  result.set("skipped", check.n_skipped);
  result.set("max_error", check.max_error);
  result.set("max_relative_error", check.max_relative_error);
  result.set("agrees", check.agrees());
  return result;
}

std::string check_table(const Mdp& model, const GradientCheck& check, Objective sense) {
  const double sign = sense == Objective::maximize ? -1.0 : 1.0;
  Table table({{"checked entry", Align::left}, {"exact"}, {"finite difference"}});
  for (const auto& entry : check.entries) {
    const State s = model.state_of(entry.row);
    const auto a = static_cast<Action>(entry.row - model.state_rows()[static_cast<std::size_t>(s)]);
    const double turned = entry.is_cost ? 1.0 : sign;
    std::string name =
        (entry.is_cost ? "cost " : "probability ") + state_label(model, s) + ", " + action_label(model, s, a);
    if (!entry.is_cost) name += " -> " + state_label(model, entry.next_state);
    table.add({name, number_text(turned * entry.exact), number_text(turned * entry.difference_quotient)});
  }
  if (!std::isnan(check.discount_exact))
    table.add({"discount", number_text(sign * check.discount_exact), number_text(sign * check.discount_quotient)});
  if (check.n_skipped > 0)
    table.note(fmt::format("{} probabilities skipped: no step is small enough", check.n_skipped));
  table.note("largest difference relative to the largest derivative of its kind: " +
             bound_text(check.max_relative_error));
  return table.text();
}

}  // namespace mdp::cli
