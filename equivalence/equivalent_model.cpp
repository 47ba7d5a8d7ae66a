#include "equivalence/equivalent_model.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "equivalence/q_table.hpp"
#include "equivalence/rebuild.hpp"
#include "equivalence/shape.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/accurate_row.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::equivalence {
namespace {

using kernels::AccurateRow;

// The rows of an equivalent model, one by one. One object per thread: scratch memory inside.
class RowSolver {
 public:
  RowSolver(const Mdp& world, std::span<const double> values, double radius, const Mdp& reference,
            const Discount& discount)
      : world_(world),
        reference_(reference),
        world_rows_(world),
        reference_rows_(reference),
        values_(values),
        radius_(radius),
        gamma_(world.exact_discount().value),
        gamma_model_(discount.value) {
    if (gamma_model_.hi > 0.0) {
      ratio_ = gamma_ / gamma_model_;
      ratio_minus_one_ = (gamma_ - gamma_model_) / gamma_model_;  // exactly 0 for equal discounts
    }
  }

  // Writes p and returns how; `residual` = E_p[V] - tau.
  Projection operator()(State s, Offset row, std::span<double> p, double& residual) {
    const auto r = reference_.probability().subspan(static_cast<std::size_t>(reference_rows_.first(row)), p.size());
    std::copy(r.begin(), r.end(), p.begin());
    residual = 0.0;
    const bool has_cost = world_.cost()[static_cast<std::size_t>(row)] < infinity;
    const bool is_dead = values_[static_cast<std::size_t>(s)] == infinity;
    if (is_dead || !has_cost || (gamma_.hi > 0.0 && world_rows_.reaches_infinity(row, values_))) {
      return {RowOutcome::unbounded, 0.0, 0.0, 0.0};
    }
    const TwoDouble own = values_[static_cast<std::size_t>(s)];  // finite, as the pair's Q is
    const TwoDouble drift = gamma_.hi > 0.0 ? world_rows_.expectation(row, values_, own) : TwoDouble(0.0);
    if (gamma_model_.hi == 0.0) return without_future(gamma_ * (own + drift));

    // tau - V(s) = (gamma/gamma^) E_rho[V - V(s)] + (gamma/gamma^ - 1) V(s); x = (V - V(s)) - (tau - V(s)).
    const TwoDouble target = clamped(ratio_ * drift + ratio_minus_one_ * own);
    double largest = std::abs((own + target).hi);
    x_.resize(p.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
      const double v = values_[successor(row, i)];
      x_[i] = v == infinity ? infinity : ((TwoDouble(v) - own) - target).hi;
      if (v < infinity) largest = std::max(largest, std::abs(v));
    }
    // V is rounded, and is V* up to the radius only: what is as small as that does not decide feasibility.
    const double tie = 4.0 * unit_roundoff * largest;
    const double slack = tie + (1.0 + ratio_.hi) * radius_ * (1.0 + 8.0 * unit_roundoff);
    const Projection projection = project_(r, x_, tie, slack, p);
    residual = moment(p);
    return projection;
  }

 private:
  [[nodiscard]] std::size_t successor(Offset row, std::size_t i) const {
    return static_cast<std::size_t>(reference_rows_.next(reference_rows_.first(row) + static_cast<Offset>(i)));
  }

  // gamma^ = 0: any row will do if gamma E_rho[V] is 0, and none otherwise.
  Projection without_future(TwoDouble moment) const {
    const double slack = (radius_ + 4.0 * unit_roundoff * std::abs(moment.hi)) * (1.0 + 8.0 * unit_roundoff);
    if (std::abs(moment.hi) <= slack) return {RowOutcome::kept, 0.0, 0.0, 0.0};
    return {RowOutcome::infeasible, not_computed, infinity, 0.0};
  }

  // A target beyond the doubles (gamma/gamma^ huge) is infeasible all the same.
  static TwoDouble clamped(TwoDouble target) {
    constexpr double limit = std::numeric_limits<double>::max() / 8.0;
    if (std::abs(target.hi) <= limit) return target;
    return target.hi > 0.0 ? limit : -limit;
  }

  // E_p[x], p divided by its sum.
  [[nodiscard]] double moment(std::span<const double> p) const {
    TwoDouble mean;
    TwoDouble mass;
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (p[i] > 0.0 && x_[i] < infinity) mean = mean + two_product(p[i], x_[i]);
      mass = mass + TwoDouble(p[i]);
    }
    return (mean / mass).hi;
  }

  const Mdp& world_;
  const Mdp& reference_;
  AccurateRow world_rows_, reference_rows_;
  std::span<const double> values_;
  double radius_;
  TwoDouble gamma_, gamma_model_, ratio_, ratio_minus_one_;
  InformationProjection project_;
  std::vector<double> x_;
};

// Solves every row into `result` and returns the transitions of the model.
Transitions solve_rows(const Mdp& world, std::span<const double> values, double radius, const Mdp& reference,
                       const Discount& discount, int threads, EquivalentModelResult& result) {
  const auto n = static_cast<std::size_t>(world.n_rows());
  result.outcome.resize(n);
  for (auto* column : {&result.multiplier, &result.divergence, &result.duality_gap, &result.moment_residual}) {
    column->resize(n);
  }
  Transitions transitions = transitions_of(reference);
  kernels::for_states(reference.blocks(), threads, [&](State first, State last) {
    RowSolver solve(world, values, radius, reference, discount);
    for (State s = first; s < last; ++s) {
      const Offset first_row = world.state_rows()[static_cast<std::size_t>(s)];
      for (Offset row = first_row; row < first_row + world.n_actions(s); ++row) {
        const auto r = static_cast<std::size_t>(row);
        const auto begin = static_cast<std::size_t>(reference.row_begin()[r]);
        const auto length = static_cast<std::size_t>(reference.row_begin()[r + 1]) - begin;
        const Projection projection =
            solve(s, row, std::span(transitions.probability).subspan(begin, length), result.moment_residual[r]);
        result.outcome[r] = projection.outcome;
        result.multiplier[r] = projection.multiplier;
        result.divergence[r] = projection.divergence;
        result.duality_gap[r] = projection.duality_gap;
        // Tails belong to entries that are as they were.
        const bool kept = projection.divergence == 0.0;
        if (!kept && !transitions.probability_tail.empty()) {
          std::fill_n(transitions.probability_tail.begin() + static_cast<std::ptrdiff_t>(begin), length, 0.0);
        }
      }
    }
  });
  return transitions;
}

// Q* = inf needs a row that keeps Q^* infinite, where V* is finite: else the pair may attract the model's policy.
void refuse_finite_rows(const Mdp& world, std::span<const double> values, EquivalentModelResult& result) {
  if (!world.has_inadmissible()) return;
  for (State s = 0; s < world.n_states(); ++s) {
    if (values[static_cast<std::size_t>(s)] == infinity) continue;
    const auto first = static_cast<std::size_t>(world.state_rows()[static_cast<std::size_t>(s)]);
    for (std::size_t row = first; row < first + static_cast<std::size_t>(world.n_actions(s)); ++row) {
      if (result.outcome[row] != RowOutcome::unbounded || result.defect.delta[row] == 0.0) continue;
      result.outcome[row] = RowOutcome::infeasible;
      result.multiplier[row] = not_computed;
      result.divergence[row] = infinity;
    }
  }
}

void add_up(EquivalentModelResult& result) {
  TwoDouble sum;
  for (std::size_t row = 0; row < result.outcome.size(); ++row) {
    if (result.outcome[row] == RowOutcome::infeasible) {
      if (result.n_infeasible++ == 0) result.first_infeasible_row = static_cast<Offset>(row);
      continue;
    }
    if (result.outcome[row] == RowOutcome::tilted) ++result.n_tilted;
    sum = sum + TwoDouble(result.divergence[row]);
    result.max_duality_gap = std::max(result.max_duality_gap, std::abs(result.duality_gap[row]));
    if (result.divergence[row] > result.max_divergence || result.max_divergence_row < 0) {
      result.max_divergence = result.divergence[row];
      result.max_divergence_row = static_cast<Offset>(row);
    }
  }
  result.sum_divergence = sum.value();
}

void conclude(const Mdp& world, const Discount& discount, EquivalentModelResult& result) {
  if (result.n_infeasible > 0) {
    const Offset row = result.first_infeasible_row;
    result.scope = Scope::none;
    result.status = Status::refused;
    result.message =
        "no equivalent row on the reference's support at " + std::to_string(result.n_infeasible) +
        (result.n_infeasible == 1 ? " pair" : " pairs") + ", first at state " + world.state_name(world.state_of(row)) +
        ", action " + world.action_name(row) +
        ": its successors cannot have the world's (gamma/gamma^) E[V*] on average (T6); the nearest row is given";
  } else if (discount.value.hi >= 1.0) {
    result.scope = Scope::finite_horizon;
    result.status = Status::refused;
    result.message =
        "the model's discount is 1: Q^* = Q* holds for N stages with terminal cost V* (T2), not in "
        "general for the undiscounted sum (T2', T3)";
  } else {
    result.scope = Scope::all_pairs;
    result.status = Status::converged;
    result.message = "every row meets its moment equation: Q^* = Q* at every pair (T6)";
  }
}

}  // namespace

std::string EquivalentModelOptions::check() const {
  if (threads < 0) return "threads = " + std::to_string(threads) + ", required >= 0 (0 = all)";
  return {};
}

EquivalentModelResult equivalent_model(const Mdp& world, const KnownValues& world_values, const Mdp& reference,
                                       const EquivalentModelOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  require_same_shape(world, reference);
  require_valid(world, world_values, "world");
  const auto start = std::chrono::steady_clock::now();

  const Discount discount = options.discount.value_or(reference.exact_discount());
  const std::vector<double> values = with_goal_values(world, world_values.values);
  const double radius = world_values.certified() ? world_values.radius() : 0.0;

  EquivalentModelResult result;
  result.level = world_values.level();
  Transitions transitions = solve_rows(world, values, radius, reference, discount, options.threads, result);
  result.model = rebuild(world, std::move(transitions), discount);
  result.defect = model_defect(world, world_values, *result.model, options.threads);
  refuse_finite_rows(world, values, result);
  add_up(result);
  conclude(world, discount, result);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace mdp::equivalence
