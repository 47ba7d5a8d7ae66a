#include "equivalence/q_distance.hpp"

#include <algorithm>
#include <cmath>

#include "equivalence/enclosed_q.hpp"
#include "equivalence/shape.hpp"
#include "libmdp/kernels/parallel.hpp"
#include "libmdp/policy.hpp"

namespace mdp::equivalence {
namespace {

using bounds::Interval;
using bounds::round_down;
using bounds::round_up;

// Q^* - Q* - c at one pair that is finite in one of them.
Interval difference(const QInterval& model, const QInterval& world, double shift, double rounding) {
  if (is_infinite(model)) return {infinity, infinity};
  if (is_infinite(world)) return {-infinity, -infinity};
  const TwoDouble c = shift;
  return {round_down(((model.lower - world.upper) - c).hi - rounding),
          round_up(((model.upper - world.lower) - c).hi + rounding)};
}

// What a state adds to a QDistance, and how two of them combine.
struct Part {
  double norm_lower = 0.0, norm_upper = -1.0;
  Interval difference{infinity, -infinity};
  double span = 0.0, slack = 0.0;
  Offset row = -1;
};

Part combine(const Part& x, const Part& y) {
  Part both = x;
  both.norm_lower = std::max(x.norm_lower, y.norm_lower);
  both.difference = {std::min(x.difference.lower, y.difference.lower),
                     std::max(x.difference.upper, y.difference.upper)};
  both.span = std::max(x.span, y.span);
  both.slack = std::max(x.slack, y.slack);
  if (y.norm_upper > x.norm_upper) {
    both.norm_upper = y.norm_upper;
    both.row = y.row;
  }
  return both;
}

class Distance {
 public:
  Distance(const Mdp& world, const KnownValues& world_values, const Mdp& model, const KnownValues& model_values,
           std::span<const Action> policy, double shift)
      : world_(world),
        world_q_(world, world_values),
        model_q_(model, model_values),
        policy_(policy),
        shift_(shift),
        rounding_(round_up(world_q_.rounding_bound() + model_q_.rounding_bound() + 0x1p-100 * std::abs(shift))) {}

  Part operator()(State s) const {
    Part part;
    const Offset first = world_.state_rows()[static_cast<std::size_t>(s)];
    const Offset n = world_.n_actions(s);
    const Offset chosen = policy_.empty() ? -1 : first + policy_[static_cast<std::size_t>(s)];
    TwoDouble best_other = infinity;
    TwoDouble chosen_upper = infinity;
    Offset n_compared = 0;
    for (Offset row = first; row < first + n; ++row) {
      const QInterval model = model_q_(s, row);
      const QInterval world = world_q_(s, row);
      if (is_infinite(model) && is_infinite(world)) continue;
      const Interval d = difference(model, world, shift_, rounding_);
      ++n_compared;
      part.norm_lower = std::max({part.norm_lower, d.lower, -d.upper});
      const double norm = std::max(std::abs(d.lower), std::abs(d.upper));
      if (norm > part.norm_upper) part.norm_upper = norm, part.row = row;
      part.difference = {std::min(part.difference.lower, d.lower), std::max(part.difference.upper, d.upper)};
      if (row == chosen)
        chosen_upper = model.upper;
      else if (model.lower < best_other)
        best_other = model.lower;
    }
    if (n_compared > 1) part.span = span(part.difference);
    if (chosen >= 0 && best_other.hi < infinity) part.slack = slack(chosen_upper, best_other);
    return part;
  }

 private:
  static double span(const Interval& difference) {
    const bool is_finite = std::abs(difference.lower) < infinity && std::abs(difference.upper) < infinity;
    return is_finite ? round_up(difference.upper - difference.lower) : infinity;
  }

  [[nodiscard]] double slack(TwoDouble chosen, TwoDouble best_other) const {
    if (chosen.hi == infinity) return infinity;
    return std::max(0.0, round_up((chosen - best_other).hi + 2.0 * rounding_));
  }

  const Mdp& world_;
  EnclosedQ world_q_, model_q_;
  std::span<const Action> policy_;
  double shift_;
  double rounding_;
};

}  // namespace

QDistance q_distance(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                     const KnownValues& model_values, std::span<const Action> policy, int threads, double shift) {
  require_same_shape(world, model);
  require_certified(world, world_values, "world");
  require_certified(model, model_values, "model");
  if (!policy.empty()) require_valid(model, policy);
  const Distance distance(world, world_values, model, model_values, policy, shift);
  const auto in_block = [&](State first, State last) {
    Part part;
    for (State s = first; s < last; ++s) part = combine(part, distance(s));
    return part;
  };
  const Part all = kernels::reduce_states(world.blocks(), threads, Part{}, in_block, combine);
  return {{all.norm_lower, std::max(0.0, all.norm_upper)}, all.difference, all.span, all.slack, all.row};
}

}  // namespace mdp::equivalence
