#include "equivalence/model_defect.hpp"

#include <algorithm>
#include <cmath>

#include "equivalence/q_table.hpp"
#include "equivalence/shape.hpp"
#include "equivalence/shift_weight.hpp"
#include "libmdp/graph/reachability.hpp"
#include "libmdp/kernels/accurate_row.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::equivalence {
namespace {

using kernels::AccurateRow;

constexpr bounds::Interval nothing{infinity, -infinity};

bounds::Interval hull(const bounds::Interval& x, const bounds::Interval& y) {
  return {std::min(x.lower, y.lower), std::max(x.upper, y.upper)};
}

// Sums over a row apart, what the pairs of both MDPs say.
class Defect {
 public:
  Defect(const Mdp& world, const KnownValues& known, std::span<const double> values, const Mdp& model)
      : world_(world),
        model_(model),
        known_(known),
        values_(values),
        world_rows_(world),
        model_rows_(model),
        model_finite_(graph::finite_value_states(model)),
        radius_(known.certified() ? known.radius() : 0.0) {}

  // Delta of a pair of state s, at the values; and, in `range`, for every V* of the enclosure.
  double operator()(State s, Offset row, bounds::Interval& range) const {
    const bool world_infinite = is_infinite(world_, world_rows_, row);
    const bool own_infinite = value(s) == infinity;
    if (lands_on_unsound(row)) {  // V^* is finite where V* is not: V* bounds nothing there
      if (!own_infinite) range = {};
      return world_infinite ? -infinity : infinity;
    }
    const bool model_infinite = is_infinite(model_, model_rows_, row);
    if (world_infinite && model_infinite) return 0.0;
    if (world_infinite || model_infinite) {
      const double delta = world_infinite ? -infinity : infinity;
      if (!own_infinite) range = hull(range, {std::min(delta, range.lower), std::max(delta, range.upper)});
      return delta;
    }
    const TwoDouble delta = finite(s, row);
    if (known_.certified()) range = hull(range, enclosed(s, row, delta));
    return delta.hi;
  }

 private:
  [[nodiscard]] double value(State s) const { return values_[static_cast<std::size_t>(s)]; }

  bool is_infinite(const Mdp& mdp, const AccurateRow& rows, Offset row) const {
    return mdp.cost()[static_cast<std::size_t>(row)] == infinity ||
           (mdp.discount() > 0.0 && rows.reaches_infinity(row, values_));
  }

  bool lands_on_unsound(Offset row) const {
    if (model_.discount() == 0.0 || model_.cost()[static_cast<std::size_t>(row)] == infinity) return false;
    for (Offset k = model_rows_.first(row); k < model_rows_.last(row); ++k) {
      const State next = model_rows_.next(k);
      if (value(next) == infinity && model_finite_[static_cast<std::size_t>(next)] != 0) return true;
    }
    return false;
  }

  // (L^ - L) + gamma^ E_rho^[V - V(s)] - gamma E_rho[V - V(s)] + (gamma^ - gamma) V(s).
  TwoDouble finite(State s, Offset row) const {
    const TwoDouble gamma = world_.exact_discount().value;
    const TwoDouble gamma_model = model_.exact_discount().value;
    const TwoDouble own = value(s);
    TwoDouble delta = model_rows_.cost(row) - world_rows_.cost(row);
    if (gamma_model.hi > 0.0) delta = delta + gamma_model * model_rows_.expectation(row, values_, own);
    if (gamma.hi > 0.0) delta = delta - gamma * world_rows_.expectation(row, values_, own);
    return delta + (gamma_model - gamma) * own;
  }

  // Delta + (gamma^ P^ - gamma P)(V* - V) for V* in its enclosure, successor by successor.
  bounds::Interval enclosed(State s, Offset row, TwoDouble delta) const {
    bounds::Interval shift{0.0, 0.0};
    double weight = 0.0;
    double size = std::abs(value(s));
    const auto add = [&](double w, State next) {
      const auto i = static_cast<std::size_t>(next);
      if (values_[i] == infinity || w == 0.0) return;
      const double up = known_.upper[i] - values_[i];
      const double down = known_.lower[i] - values_[i];
      shift.upper += w * (w > 0.0 ? up : down);
      shift.lower += w * (w > 0.0 ? down : up);
      weight += std::abs(w);
      size = std::max(size, std::abs(values_[i]));
    };
    Offset j = world_rows_.first(row);
    Offset k = model_rows_.first(row);
    const Offset j_end = world_.discount() > 0.0 ? world_rows_.last(row) : j;
    const Offset k_end = model_.discount() > 0.0 ? model_rows_.last(row) : k;
    while (j < j_end || k < k_end) {
      const State in_world = j < j_end ? world_rows_.next(j) : world_.n_states();
      const State in_model = k < k_end ? model_rows_.next(k) : world_.n_states();
      double w = 0.0;
      if (in_model <= in_world) w += model_.discount() * model_rows_.entry(k++).hi;
      if (in_world <= in_model) w -= world_.discount() * world_rows_.entry(j++).hi;
      add(w, std::min(in_world, in_model));
    }
    const Offset n = std::max(world_.max_row_length(), model_.max_row_length());
    const double cost = std::abs(model_rows_.cost(row).hi) + std::abs(world_rows_.cost(row).hi);
    // Roundings of the weights, of up, down and of the sums, each row's weights at most 2 in all; of Delta; of the
    // last sum; and the entries.
    const double slack = bounds::rounding(4 * n + 16) * 2.0 * radius_ + AccurateRow::error(n + 4, cost + 8.0 * size) +
                         2.0 * unit_roundoff * (std::abs(delta.hi) + std::abs(shift.lower) + std::abs(shift.upper)) +
                         world_.entry_error().cost_absolute + model_.entry_error().cost_absolute;
    return {bounds::round_down(delta.hi + shift.lower - bounds::round_up(slack)),
            bounds::round_up(delta.hi + shift.upper + bounds::round_up(slack))};
  }

  const Mdp& world_;
  const Mdp& model_;
  const KnownValues& known_;
  std::span<const double> values_;
  AccurateRow world_rows_, model_rows_;
  graph::StateSet model_finite_;
  double radius_;
};

}  // namespace

ModelDefect model_defect(const Mdp& world, const KnownValues& world_values, const Mdp& model, int threads) {
  require_same_shape(world, model);
  require_valid(world, world_values, "world");
  const std::vector<double> values = with_goal_values(world, world_values.values);
  const Defect defect(world, world_values, values, model);

  ModelDefect result;
  result.delta.resize(static_cast<std::size_t>(world.n_rows()));
  const auto in_block = [&](State first, State last) {
    bounds::Interval range = nothing;
    for (State s = first; s < last; ++s) {
      const Offset first_row = world.state_rows()[static_cast<std::size_t>(s)];
      for (Offset row = first_row; row < first_row + world.n_actions(s); ++row) {
        result.delta[static_cast<std::size_t>(row)] = defect(s, row, range);
      }
    }
    return range;
  };
  const bounds::Interval range = kernels::reduce_states(world.blocks(), threads, nothing, in_block, hull);

  double largest = -1.0;
  for (std::size_t row = 0; row < result.delta.size(); ++row) {
    if (std::abs(result.delta[row]) <= largest) continue;
    largest = std::abs(result.delta[row]);
    result.row = static_cast<Offset>(row);
  }
  if (!world_values.certified()) return result;
  result.range = range.lower <= range.upper ? range : bounds::Interval{0.0, 0.0};  // no pair with finite Q*
  result.epsilon = std::max({0.0, -result.range.lower, result.range.upper});
  if (model.discount() < 1.0) {
    result.q_difference = bounds::value_increment_around_v(result.range, model.exact_discount());
  }
  return result;
}

ShiftedDefect about_shift(const ModelDefect& defect, const Discount& discount, double shift) {
  ShiftedDefect result;
  if (std::isnan(defect.epsilon)) return result;
  bounds::Interval about = defect.range;
  bounds::Interval difference = defect.q_difference;
  result.epsilon = defect.epsilon;
  if (shift != 0.0) {
    const TwoDouble aimed = shift_weight(discount) * shift;
    const double rounding = 0x1p-95 * (std::abs(aimed.hi) + std::abs(about.lower) + std::abs(about.upper));
    about = {bounds::round_down((TwoDouble(about.lower) - aimed).hi - rounding),
             bounds::round_up((TwoDouble(about.upper) - aimed).hi + rounding)};
    result.epsilon = std::max({0.0, -about.lower, about.upper});
    difference = bounds::value_increment_around_v(about, discount);
  }
  if (discount.value.hi < 1.0) result.q_error_bound = std::max(std::abs(difference.lower), std::abs(difference.upper));
  return result;
}

}  // namespace mdp::equivalence
