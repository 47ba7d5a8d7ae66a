#include "equivalence/correction.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "equivalence/equivalent_model.hpp"
#include "equivalence/shape.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/accurate_row.hpp"
#include "libmdp/kernels/parallel.hpp"
#include "solvers/solve.hpp"

namespace mdp::equivalence {
namespace {

// L + gamma E_rho[V] - gamma^ E_rho^[V], in twice the precision around V(s); +inf where the world's cost is.
Mdp with_corrected_cost(const Mdp& world, const Mdp& model, const std::vector<double>& v, int threads) {
  const kernels::AccurateRow world_rows(world), model_rows(model);
  const TwoDouble gamma = world.exact_discount().value, gamma_model = model.exact_discount().value;
  Buffer<double> cost(static_cast<std::size_t>(world.n_rows())), tail(cost.size());
  kernels::for_states(world.blocks(), threads, [&](State first, State last) {
    for (State s = first; s < last; ++s) {
      const TwoDouble own = v[static_cast<std::size_t>(s)];
      const Offset begin = world.state_rows()[static_cast<std::size_t>(s)];
      for (Offset row = begin; row < begin + world.n_actions(s); ++row) {
        const auto r = static_cast<std::size_t>(row);
        if (world.cost()[r] == infinity) {
          cost[r] = infinity;
          tail[r] = 0.0;
          continue;
        }
        const std::span<const double> values(v);
        const TwoDouble corrected = world_rows.cost(row) + gamma * world_rows.expectation(row, values, own) -
                                    gamma_model * model_rows.expectation(row, values, own) +
                                    (gamma - gamma_model) * own;
        cost[r] = corrected.hi;
        tail[r] = corrected.lo;
      }
    }
  });
  return model.with_cost(std::move(cost), std::move(tail));
}

// max over rows of ||gamma rho - gamma^ rho^||_1, rounded up.
double largest_difference(const Mdp& world, const Mdp& model) {
  double largest = 0.0;
  for (Offset row = 0; row < world.n_rows(); ++row) {
    const auto r = static_cast<std::size_t>(row);
    Offset i = world.row_begin()[r], j = model.row_begin()[r];
    const Offset i_end = world.row_begin()[r + 1], j_end = model.row_begin()[r + 1];
    double sum = 0.0;
    while (i < i_end || j < j_end) {
      const State a = i < i_end ? world.next_state()[static_cast<std::size_t>(i)] : std::numeric_limits<State>::max();
      const State b = j < j_end ? model.next_state()[static_cast<std::size_t>(j)] : std::numeric_limits<State>::max();
      const double p = a <= b ? world.discount() * world.probability()[static_cast<std::size_t>(i++)] : 0.0;
      const double q = b <= a ? model.discount() * model.probability()[static_cast<std::size_t>(j++)] : 0.0;
      sum += std::abs(p - q);
    }
    largest = std::max(largest, sum);
  }
  // Entries and discounts are within a few ulp of those meant, and so is each sum.
  const double n = static_cast<double>(world.max_row_length() + model.max_row_length()) + 8.0;
  const double entries = world.entry_error().probability + model.entry_error().probability;
  return bounds::round_up(largest + (n * unit_roundoff + entries) * (world.discount() + model.discount()) * 2.0);
}

// What the rounding of the corrected costs can move the model's V^* by.
double rounding_of_cost(const Mdp& world, const Mdp& model, const std::vector<double>& v) {
  double size = world.max_abs_cost();
  for (const double x : v) size = std::max(size, std::abs(x));
  const Offset longest = std::max(world.max_row_length(), model.max_row_length());
  return bounds::value_error(
      bounds::round_up(kernels::AccurateRow::error(longest + 4, 8.0 * size) + world.entry_error().cost_absolute),
      model.exact_discount());
}

double distance(const std::vector<double>& a, std::span<const double> b) {
  double largest = 0.0;
  for (std::size_t s = 0; s < a.size(); ++s) {
    if (a[s] != b[s]) largest = std::max(largest, std::abs(a[s] - b[s]));
  }
  return largest;
}

class Iteration {
 public:
  Iteration(const Mdp& world, const Mdp& model, const CorrectionOptions& options)
      : world_(world), model_(model), options_(options) {}

  // The model corrected with V, or nothing with a reason.
  std::optional<Mdp> corrected(const std::vector<double>& v, std::string& why) const {
    if (options_.correction == Correction::cost) {
      return with_corrected_cost(world_, model_, v, options_.solve.threads);
    }
    EquivalentModelOptions options;
    options.discount = model_.exact_discount();
    options.threads = options_.solve.threads;
    EquivalentModelResult nearest = equivalent_model(world_, KnownValues(v), model_, options);
    if (nearest.n_infeasible > 0) {
      why = fmt::format("{} rows cannot meet their moment equation on the model's support", nearest.n_infeasible);
      return std::nullopt;
    }
    return std::move(nearest.model);
  }

 private:
  const Mdp& world_;
  const Mdp& model_;
  const CorrectionOptions& options_;
};

solvers::SolveResult solved(const Mdp& model, const solvers::SolveOptions& options) {
  solvers::SolveResult result = solvers::solve(model, options);
  for (std::size_t s = 0; s < result.values.size(); ++s) {
    if (std::isfinite(result.values[s])) continue;
    throw InvalidArgument("iterated correction: the value of state " + model.state_name(static_cast<State>(s)) +
                          " is infinite");
  }
  return result;
}

}  // namespace

std::string CorrectionOptions::check() const {
  if (max_iterations < 1) return fmt::format("max_iterations = {}, required >= 1", max_iterations);
  if (!(tolerance >= 0.0)) return fmt::format("tolerance = {}, required >= 0", tolerance);
  return solve.check();
}

CorrectionResult correct_iteratively(const Mdp& world, const Mdp& model, const CorrectionOptions& options,
                                     const std::optional<KnownValues>& truth) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  require_same_shape(world, model);
  if (!(model.discount() < 1.0)) throw InvalidArgument("iterated correction: the model's discount must be below 1");
  if (!options.start.empty() && options.start.size() != static_cast<std::size_t>(world.n_states())) {
    throw InvalidArgument(
        fmt::format("iterated correction: start of {} values, required {}", options.start.size(), world.n_states()));
  }
  CorrectionResult result;
  const double complement = bounds::round_down(model.exact_discount().complement.hi);
  if (options.correction == Correction::cost) {
    result.kappa = bounds::round_up(largest_difference(world, model) / complement);
  }
  const Iteration iteration(world, model, options);
  result.values = options.start.empty() ? solved(model.with_cost({world.cost().begin(), world.cost().end()},
                                                                 {world.cost_tail().begin(), world.cost_tail().end()}),
                                                 options.solve)
                                              .values
                                        : options.start;
  double first_change = 0.0;
  for (std::int64_t k = 0; k < options.max_iterations; ++k) {
    std::string why;
    auto corrected = iteration.corrected(result.values, why);
    if (!corrected) {
      result.status = Status::refused;
      result.message = fmt::format("iteration {}: {}", k + 1, why);
      return result;
    }
    solvers::SolveResult next = solved(*corrected, options.solve);
    CorrectionStep step;
    step.change = distance(next.values, result.values);
    if (!result.steps.empty() && result.steps.back().change > 0.0) step.rate = step.change / result.steps.back().change;
    if (truth) step.error = distance(next.values, truth->values);
    result.steps.push_back(step);
    if (k == 0) first_change = step.change;
    if (result.kappa < 1.0) {
      // |V_{k+1} - V*| <= kappa |V_k - V*| + e <= kappa (change + |V_{k+1} - V*|) + e, e the solver's own error and what
      // the rounding of L_k moves V^* by (C2).
      const auto up = [](double x) { return bounds::round_up(x); };
      const double error = up(up(next.value_error_bound) + rounding_of_cost(world, model, result.values));
      result.error_bound =
          up(up(up(up(result.kappa * up(step.change))) + error) / bounds::round_down(1.0 - result.kappa));
    }
    result.values = std::move(next.values);
    result.policy = std::move(next.policy);
    result.model = std::move(corrected);
    if (step.change <= options.tolerance) {
      result.status = Status::converged;
      result.message = fmt::format("V settled after {} iterations", k + 1);
      return result;
    }
    if (step.change > 1e9 * std::max(first_change, options.tolerance)) {
      result.status = Status::refused;
      result.message = fmt::format(
          "diverges: after {} iterations V moves by {:.3g} a step; kappa = {:.3g}, only kappa "
          "< 1 is sure to converge",
          k + 1, step.change, result.kappa);
      return result;
    }
  }
  result.status = Status::sweep_limit;
  result.message =
      fmt::format("V still moves by {:.3g} after {} iterations", result.steps.back().change, options.max_iterations);
  return result;
}

}  // namespace mdp::equivalence
