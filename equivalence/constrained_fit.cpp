#include "equivalence/constrained_fit.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "equivalence/q_table.hpp"
#include "equivalence/row_collector.hpp"
#include "equivalence/row_projection.hpp"
#include "equivalence/support.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/accurate_row.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::equivalence {
namespace {

Support support_of(FitSupport support) {
  switch (support) {
    case FitSupport::observed: return {.rule = SupportRule::reference};
    case FitSupport::world: return {.rule = SupportRule::world_reference};
    case FitSupport::all_states: return {.rule = SupportRule::all};
  }
  return {};
}

// The rows of one thread: frequencies, moved to within the budget where they are not.
class RowFit {
 public:
  struct Fitted {
    bool moved = false;
    bool infeasible = false;
  };

  RowFit(const Mdp& world, std::span<const double> values, double radius, const Mdp& likely, const Support& support,
         double budget)
      : world_(world),
        values_(values),
        radius_(radius),
        budget_(budget),
        rows_(world),
        support_(support, world, likely, nullptr, false),
        projection_(Divergence::likelihood) {}

  Fitted operator()(State s, Offset row, RowBlock& block) {
    support_.set(s, row);
    p_.assign(support_.states.size(), 0.0);
    const Fitted fitted = fit(s, row);
    block.add(support_.states, p_);
    return fitted;
  }

 private:
  Fitted fit(State s, Offset row) {
    std::copy(support_.r.begin(), support_.r.end(), p_.begin());
    const double own = values_[static_cast<std::size_t>(s)];
    const double gamma = world_.discount();
    if (own == infinity || world_.cost()[static_cast<std::size_t>(row)] == infinity || gamma == 0.0 ||
        rows_.reaches_infinity(row, values_)) {
      return {};  // no equation
    }
    const TwoDouble drift = rows_.expectation(row, values_, TwoDouble(own));
    double largest = std::abs(own);
    TwoDouble mean;
    x_.resize(support_.states.size());
    for (std::size_t i = 0; i < x_.size(); ++i) {
      const double v = values_[static_cast<std::size_t>(support_.states[i])];
      x_[i] = support_.allowed[i] != 0 && v < infinity ? ((TwoDouble(v) - TwoDouble(own)) - drift).hi : infinity;
      if (x_[i] == infinity) continue;
      largest = std::max(largest, std::abs(v));
      if (support_.r[i] > 0.0) mean = mean + two_product(support_.r[i], x_[i]);
    }
    const double tie = 4.0 * unit_roundoff * largest;
    const double limit = budget_ / gamma;
    if (std::abs(mean.hi) <= limit + tie) return {};
    const double end = std::copysign(limit, mean.hi);  // the nearer end of the interval
    for (double& x : x_) x -= end;
    const double slack = tie + 2.0 * radius_;
    const Projection found = projection_({support_.states, support_.r, x_, tie, slack}, p_);
    return {found.outcome != RowOutcome::kept,
            found.outcome == RowOutcome::infeasible || found.outcome == RowOutcome::unsupported};
  }

  const Mdp& world_;
  std::span<const double> values_;
  double radius_;
  double budget_;
  kernels::AccurateRow rows_;
  SupportRows support_;
  RowProjection projection_;
  std::vector<double> x_, p_;
};

}  // namespace

std::string ConstrainedFitOptions::check() const {
  if (!(budget >= 0.0)) return fmt::format("budget = {}, required >= 0", budget);
  if (threads < 0) return fmt::format("threads = {}, required >= 0 (0 = all)", threads);
  return fit.check();
}

ConstrainedFit fit_within(const Mdp& world, const KnownValues& world_values, const TransitionCounts& counts,
                          const ConstrainedFitOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  require_valid(world, world_values, "world");
  const Mdp likely = fit_maximum_likelihood(world, counts, options.fit);
  const std::vector<double> values = with_goal_values(world, world_values.values);
  const double radius = world_values.certified() ? world_values.radius() : 0.0;
  const Support support = support_of(options.fit.support);

  const std::size_t n_blocks = world.blocks().size() - 1;
  std::vector<RowBlock> blocks(n_blocks);
  std::vector<Offset> moved(n_blocks, 0), infeasible(n_blocks, 0);
  kernels::parallel_blocks(static_cast<std::ptrdiff_t>(n_blocks), options.threads, [&](std::ptrdiff_t block) {
    const auto b = static_cast<std::size_t>(block);
    RowFit fit(world, values, radius, likely, support, options.budget);
    for (State s = world.blocks()[b]; s < world.blocks()[b + 1]; ++s) {
      const Offset first = world.state_rows()[static_cast<std::size_t>(s)];
      for (Offset row = first; row < first + world.n_actions(s); ++row) {
        const RowFit::Fitted fitted = fit(s, row, blocks[b]);
        moved[b] += fitted.moved ? 1 : 0;
        infeasible[b] += fitted.infeasible ? 1 : 0;
      }
    }
  });

  ConstrainedFit result;
  for (std::size_t b = 0; b < n_blocks; ++b) {
    result.n_moved += moved[b];
    result.n_infeasible += infeasible[b];
  }
  result.model = rebuild(world, join(blocks, world.n_rows()), world.exact_discount());
  result.log_likelihood = log_likelihood(*result.model, counts);
  result.defect = model_defect(world, world_values, *result.model, options.threads);
  result.status = result.n_infeasible == 0 ? Status::converged : Status::refused;
  result.message =
      fmt::format("{} of {} rows moved to meet |Delta| <= {:.6g}", result.n_moved, world.n_rows(), options.budget);
  if (result.n_infeasible > 0) {
    result.message += fmt::format("; {} rows cannot on their support: the nearest are given", result.n_infeasible);
  }
  return result;
}

std::vector<ParetoPoint> pareto_front(const Mdp& world, const KnownValues& world_values, const TransitionCounts& counts,
                                      const ConstrainedFitOptions& options, std::int64_t n_points,
                                      const CandidateOptions& assess) {
  if (n_points < 2) throw InvalidOption(fmt::format("n_points = {}, required >= 2", n_points));
  ConstrainedFitOptions at = options;
  at.budget = infinity;
  double largest = 0.0;
  const Mdp likely = fit_maximum_likelihood(world, counts, options.fit);
  for (const double delta : model_defect(world, world_values, likely, options.threads).delta) {
    if (std::isfinite(delta)) largest = std::max(largest, std::abs(delta));
  }
  std::vector<ParetoPoint> front;
  for (std::int64_t i = 0; i < n_points; ++i) {
    const bool last = i + 1 == n_points;
    const double decades = n_points > 2 ? 4.0 * static_cast<double>(i) / static_cast<double>(n_points - 2) : 0.0;
    at.budget = last ? 0.0 : largest * std::pow(10.0, -decades);
    const ConstrainedFit fit = fit_within(world, world_values, counts, at);
    const CandidateResult candidate = assess_candidate(world, world_values, *fit.model, assess);
    front.push_back({at.budget, fit.defect.epsilon, fit.log_likelihood, candidate.max_regret, candidate.initial_regret,
                     fit.status == Status::converged ? candidate.status : fit.status});
  }
  return front;
}

}  // namespace mdp::equivalence
