#include "solvers/gaps.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/kernels/parallel.hpp"
#include "libmdp/kernels/residual.hpp"

namespace mdp::solvers {
namespace {

using bounds::Interval;

double max_abs_finite(const Mdp& mdp, std::span<const TwoDouble> v, int threads) {
  const double largest = kernels::reduce_states(
      mdp.blocks(), threads, 0.0,
      [&](State first, State last) {
        double part = 0.0;
        for (State s = first; s < last; ++s) {
          if (v[s].hi < infinity) part = std::max(part, std::abs(v[s].hi));
        }
        return part;
      },
      [](double a, double b) { return std::max(a, b); });
  return bounds::round_up(largest);
}

// Gaps are rounded to u of themselves.
Interval widened(double min, double max, double error) { return bounds::residual_enclosure(min, max, error); }

struct Choice {
  Action action = 0;
  double gap = infinity;
};

// Lowest position among the gaps within `slack` of the least.
Choice choose(const Mdp& mdp, std::span<const double> gap, State s, double slack) {
  const Offset first = mdp.state_rows()[s];
  const Offset last = mdp.state_rows()[s + 1];
  const double least = *std::min_element(gap.data() + first, gap.data() + last);
  if (least == infinity) return {};
  const double limit = least + slack + 2.0 * unit_roundoff * std::abs(least);
  for (Offset row = first; row < last; ++row) {
    if (gap[row] <= limit) return {static_cast<Action>(row - first), gap[row]};
  }
  return {};
}

}  // namespace

double round_down(TwoDouble x) {
  const bool above = x.lo > 8.0 * unit_roundoff * unit_roundoff * std::abs(x.hi);
  return above ? x.hi : bounds::round_down(x.hi);
}

double round_up(TwoDouble x) { return -round_down(-x); }

Middle middle(double lower, double upper) {
  if (lower == upper) return {lower, 0.0};
  if (!(lower > -infinity && upper < infinity)) return {not_computed, infinity};
  const double value = std::clamp(lower + 0.5 * (upper - lower), lower, upper);
  return {value, bounds::round_up(std::max(upper - value, value - lower))};
}

Gaps row_gaps(const Mdp& mdp, std::span<const char> finite, std::span<const TwoDouble> v, int threads,
              const EntryUncertainty& uncertainty) {
  Gaps gaps;
  gaps.gap.resize(static_cast<std::size_t>(mdp.n_rows()));
  const auto range = kernels::row_gaps(mdp, v, gaps.gap, threads);
  const double size = max_abs_finite(mdp, v, threads);
  gaps.error = bounds::round_up(kernels::row_gap_error(mdp, size) + uncertainty.of_q(size));
  // A state of finite value whose gaps overflowed would be missing in the range.
  const bool complete = kernels::reduce_states(
      mdp.blocks(), threads, true,
      [&](State first, State last) {
        for (State s = first; s < last; ++s) {
          if (finite[s] && choose(mdp, gaps.gap, s, 0.0).gap == infinity) return false;
        }
        return true;
      },
      [](bool a, bool b) { return a && b; });
  if (!complete || !(std::isfinite(range.min) && std::isfinite(range.max) && gaps.error < infinity)) return gaps;
  gaps.residual = widened(range.min, range.max, gaps.error);
  gaps.increment = bounds::value_increment_around_v(gaps.residual, mdp.exact_discount());
  return gaps;
}

Enclosure enclose(const Mdp& mdp, std::span<const char> finite, std::span<const TwoDouble> v, const Gaps& gaps,
                  int threads) {
  const auto n = static_cast<std::size_t>(mdp.n_states());
  Enclosure e;
  e.lower.resize(n);
  e.upper.resize(n);
  e.values.resize(n);
  e.policy.resize(n);
  e.residual_min = gaps.residual.lower;
  e.residual_max = gaps.residual.upper;

  // What twice the precision cannot tell apart: errors of two gaps, and of V as far as they come from such errors.
  const double gamma = mdp.discount();
  const double width = gaps.increment.upper - gaps.increment.lower;
  const double floor = bounds::value_error(8.0 * gaps.error, mdp.exact_discount());
  const double slack = 2.0 * gaps.error + gamma * std::min(width, floor);

  struct Part {
    double half_width = 0.0;
    double selected_max = -infinity;
    double selected_min = infinity;
  };
  const Part all = kernels::reduce_states(
      mdp.blocks(), threads, Part{},
      [&](State first, State last) {
        Part part;
        for (State s = first; s < last; ++s) {
          const Choice choice = choose(mdp, gaps.gap, s, slack);
          e.policy[s] = choice.action;
          e.lower[s] = finite[s] ? round_down(v[s] + TwoDouble(gaps.increment.lower)) : infinity;
          e.upper[s] = finite[s] ? round_up(v[s] + TwoDouble(gaps.increment.upper)) : infinity;
          if (std::isnan(e.lower[s])) e.lower[s] = -infinity;
          if (std::isnan(e.upper[s])) e.upper[s] = infinity;
          const Middle mid = middle(e.lower[s], e.upper[s]);
          e.values[s] = mid.value;
          part.half_width = std::max(part.half_width, mid.half_width);
          if (!finite[s]) continue;
          part.selected_max = std::max(part.selected_max, choice.gap);
          part.selected_min = std::min(part.selected_min, choice.gap);
        }
        return part;
      },
      [](const Part& a, const Part& b) {
        return Part{std::max(a.half_width, b.half_width), std::max(a.selected_max, b.selected_max),
                    std::min(a.selected_min, b.selected_min)};
      });
  e.half_width = all.half_width;
  if (all.selected_max == -infinity) {  // no state of finite value
    e.policy_loss_bound = 0.0;
    return e;
  }
  // V^pi <= V + increment of pi's residual (C1 for pi), V* >= V + increment.lower.
  const Interval of_policy =
      bounds::value_increment_around_v(widened(all.selected_min, all.selected_max, gaps.error), mdp.exact_discount());
  e.policy_loss_bound = std::max(0.0, bounds::round_up(of_policy.upper - gaps.increment.lower));
  return e;
}

Mdp correction_problem(const Mdp& mdp, const Gaps& gaps) {
  const double spread = mdp.discount() * (gaps.increment.upper - gaps.increment.lower);
  const double slack = 4.0 * gaps.error + spread * (1.0 + 8.0 * unit_roundoff);
  Buffer<double> cost(gaps.gap.begin(), gaps.gap.end());
  kernels::for_states(mdp.blocks(), 0, [&](State first, State last) {
    for (State s = first; s < last; ++s) {
      const auto from = cost.begin() + mdp.state_rows()[s];
      const auto to = cost.begin() + mdp.state_rows()[s + 1];
      const double least = *std::min_element(from, to);
      const double limit = least + slack + 4.0 * unit_roundoff * std::abs(least);
      std::replace_if(
          from, to, [limit](double g) { return !(g <= limit); }, infinity);
    }
  });
  return mdp.with_cost(std::move(cost));
}

}  // namespace mdp::solvers
