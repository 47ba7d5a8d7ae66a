#include "solvers/enclosure.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/graph/reachability.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "solvers/centre.hpp"
#include "solvers/gaps.hpp"

namespace mdp::solvers {
namespace {

using bounds::Interval;

void require_discounted(const Mdp& mdp, std::size_t n_values) {
  if (!(mdp.exact_discount().complement.hi > 0.0)) {
    throw InvalidArgument("discount = 1, required < 1 for the discounted criterion");
  }
  if (n_values != static_cast<std::size_t>(mdp.n_states())) {
    throw InvalidArgument("v has " + std::to_string(n_values) +
                          " entries, required n_states = " + std::to_string(mdp.n_states()));
  }
}

// TV, its residual, and in each state the lowest position within `slack` of the least q.
struct Select {
  const double* v;
  double slack;
  double* tv;
  Action* policy;
  kernels::ResidualRange residual = {};  // of min q - v
  kernels::ResidualRange selected = {};  // of q(policy) - v
  double largest_excess = 0.0;           // of q(policy) - min q
  std::vector<double> q = {};

  void start(State) { q.clear(); }
  void row(Action, Offset, double value) { q.push_back(value); }
  void finish(State s) {
    const double least = *std::min_element(q.begin(), q.end());
    tv[s] = least;
    policy[s] = 0;
    if (!(least < infinity && v[s] < infinity)) return;
    // The least itself is within any slack, one that overflowed to NaN included.
    const auto chosen = std::find_if(q.begin(), q.end(), [&](double x) { return x == least || x <= least + slack; });
    policy[s] = static_cast<Action>(chosen - q.begin());
    largest_excess = std::max(largest_excess, *chosen - least);
    residual = widened(residual, least - v[s]);
    selected = widened(selected, *chosen - v[s]);
  }
  static kernels::ResidualRange widened(const kernels::ResidualRange& r, double d) {
    return {std::min(r.min, d), std::max(r.max, d)};
  }
};

struct Selection {
  kernels::ResidualRange residual = {};
  kernels::ResidualRange selected = {};
  double largest_excess = 0.0;
};

Selection select(const Mdp& mdp, std::span<const double> v, double slack, std::span<double> tv, Policy& policy,
                 int threads) {
  policy.resize(v.size());
  const auto joined = [](const kernels::ResidualRange& a, const kernels::ResidualRange& b) {
    return kernels::ResidualRange{std::min(a.min, b.min), std::max(a.max, b.max)};
  };
  return kernels::reduce_states(
      mdp.blocks(), threads, Selection{},
      [&](State first, State last) {
        Select visitor{v.data(), slack, tv.data(), policy.data()};
        kernels::visit_rows(mdp, v, first, last, visitor);
        return Selection{visitor.residual, visitor.selected, visitor.largest_excess};
      },
      [&](const Selection& a, const Selection& b) {
        return Selection{joined(a.residual, b.residual), joined(a.selected, b.selected),
                         std::max(a.largest_excess, b.largest_excess)};
      });
}

// True if every state of finite value has one, and no other.
bool complete(std::span<const char> finite, std::span<const double> tv) {
  for (std::size_t s = 0; s < tv.size(); ++s) {
    if (finite[s] ? !std::isfinite(tv[s]) : tv[s] < infinity) return false;
  }
  return true;
}

// [tw + below, tw + above], rounded outward, and its middle, which takes the place of tw in e.values.
void set_intervals(Enclosure& e, const Mdp& mdp, std::span<const char> finite, double below, double above,
                   int threads) {
  reserve_large(e.lower, e.values.size());
  reserve_large(e.upper, e.values.size());
  e.lower.resize(e.values.size());
  e.upper.resize(e.values.size());
  e.half_width = kernels::reduce_states(
      mdp.blocks(), threads, 0.0,
      [&](State first, State last) {
        double widest = 0.0;
        for (State s = first; s < last; ++s) {
          e.lower[s] = finite[s] ? round_down(two_sum(e.values[s], below)) : infinity;
          e.upper[s] = finite[s] ? round_up(two_sum(e.values[s], above)) : infinity;
          const Middle mid = middle(e.lower[s], e.upper[s]);
          e.values[s] = mid.value;
          widest = std::max(widest, mid.half_width);
        }
        return widest;
      },
      [](double x, double y) { return std::max(x, y); });
}

Enclosure unbounded(std::span<const char> finite, Policy policy) {
  Enclosure e;
  e.policy = std::move(policy);
  for (const char f : finite) {
    e.lower.push_back(f ? -infinity : infinity);
    e.upper.push_back(infinity);
    e.values.push_back(f ? not_computed : infinity);
  }
  e.half_width = infinity;
  e.policy_loss_bound = infinity;
  e.residual_min = -infinity;
  e.residual_max = infinity;
  return e;
}

// The bounds from one sweep: C1.
Enclosure concluded(const Mdp& mdp, std::span<const char> finite, std::vector<double> tw, Policy policy,
                    const Selection& chosen, double error, int threads) {
  if (!complete(finite, tw) || !(error < infinity)) return unbounded(finite, std::move(policy));
  Enclosure e;
  e.values = std::move(tw);
  e.policy = std::move(policy);
  const bool any = chosen.residual.min <= chosen.residual.max;
  const Interval residual =
      any ? bounds::residual_enclosure(chosen.residual.min, chosen.residual.max, error) : Interval{0.0, 0.0};
  const Interval increment = bounds::value_increment(residual, mdp.exact_discount());
  e.residual_min = residual.lower;
  e.residual_max = residual.upper;
  set_intervals(e, mdp, finite, bounds::round_down(increment.lower - error), bounds::round_up(increment.upper + error),
                threads);
  e.policy_loss_bound = 0.0;
  if (!any) return e;
  // V^pi <= TW + excess + increment of pi's residual (C1 for pi), V* >= TW + increment.lower, each to `error`.
  const Interval of_policy = bounds::value_increment(
      bounds::residual_enclosure(chosen.selected.min, chosen.selected.max, error), mdp.exact_discount());
  const double difference = bounds::round_up(of_policy.upper - increment.lower);
  const double loss = bounds::round_up(bounds::round_up(difference + chosen.largest_excess) + 4.0 * error);
  e.policy_loss_bound = std::max(0.0, loss);
  return e;
}

// Bound on the error of a q for |V| <= size.
double error_of_q(const Mdp& mdp, double size, const EntryUncertainty& uncertainty) {
  return bounds::round_up(bounds::sweep_error(mdp, size) + uncertainty.of_q(size));
}

}  // namespace

double EntryUncertainty::of_q(double values_max_abs) const noexcept {
  return bounds::round_up(bounds::round_up(probability * values_max_abs) + cost);
}

Enclosure enclose(const Mdp& mdp, std::span<const double> v, int threads, const EntryUncertainty& uncertainty) {
  require_discounted(mdp, v.size());
  const auto finite = graph::finite_value_states(mdp);
  std::vector<double> w(v.begin(), v.end());
  for (std::size_t s = 0; s < w.size(); ++s) {
    if (!finite[s]) w[s] = infinity;
  }
  const double error = error_of_q(mdp, centre(mdp, w, threads), uncertainty);
  std::vector<double> tw(w.size());
  Policy policy;
  const Selection chosen = select(mdp, w, 2.0 * error, tw, policy, threads);
  return concluded(mdp, finite, std::move(tw), std::move(policy), chosen, error, threads);
}

std::optional<Enclosure> enclose_swept(const Mdp& mdp, std::span<const char> finite, Swept swept, int threads,
                                       const EntryUncertainty& uncertainty) {
  const double error = error_of_q(mdp, swept.size, uncertainty);
  if (!(swept.residual.lead > 2.0 * error)) return std::nullopt;
  return concluded(mdp, finite, std::move(swept.tv), std::move(swept.policy), {swept.residual, swept.residual, 0.0},
                   error, threads);
}

Enclosure enclose(const Mdp& mdp, std::span<const TwoDouble> v, int threads, const EntryUncertainty& uncertainty) {
  require_discounted(mdp, v.size());
  const auto finite = graph::finite_value_states(mdp);
  std::vector<TwoDouble> w(v.begin(), v.end());
  for (std::size_t s = 0; s < w.size(); ++s) {
    if (!finite[s]) w[s] = infinity;
  }
  return enclose(mdp, finite, w, row_gaps(mdp, finite, w, threads, uncertainty), threads);
}

}  // namespace mdp::solvers
