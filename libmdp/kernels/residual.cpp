#include "libmdp/kernels/residual.hpp"

#include <algorithm>
#include <cmath>

namespace mdp::kernels {
namespace {

struct GapOfRow {
  const Mdp& mdp;
  const TwoDouble* v;
  const Offset* begin = mdp.row_begin().data();
  const State* next = mdp.next_state().data();
  const double* p = mdp.probability().data();
  const double* p_tail = mdp.probability_tail().empty() ? nullptr : mdp.probability_tail().data();
  const double* cost = mdp.cost().data();
  const double* cost_tail = mdp.cost_tail().empty() ? nullptr : mdp.cost_tail().data();
  TwoDouble discount = mdp.exact_discount().value;

  // N / S of the row; +inf if a successor's value is.
  [[nodiscard]] TwoDouble expectation(Offset row) const {
    TwoDouble sum;
    TwoDouble mass;
    for (Offset k = begin[row]; k < begin[row + 1]; ++k) {
      const TwoDouble value = v[next[k]];
      if (value.hi == infinity) return infinity;
      if (p_tail == nullptr) {
        sum = sum + value * p[k];
        mass = mass + TwoDouble(p[k]);
      } else {
        const TwoDouble meant = quick_two_sum(p[k], p_tail[k]);
        sum = sum + value * meant;
        mass = mass + meant;
      }
    }
    const double defect = (mass + TwoDouble(-1.0)).hi;
    return sum + TwoDouble(-(sum.hi * (defect / mass.hi)));
  }

  [[nodiscard]] double operator()(Offset row, TwoDouble value) const {
    if (cost[row] == infinity) return infinity;
    TwoDouble q = cost_tail == nullptr ? TwoDouble(cost[row]) : quick_two_sum(cost[row], cost_tail[row]);
    if (discount.hi > 0.0) {
      const TwoDouble expected = expectation(row);
      if (expected.hi == infinity) return infinity;
      q = q + discount * expected;
    }
    return (q - value).value();
  }
};

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(MDP_NO_TARGET_CLONES)
// std::fma as one instruction where the machine has it; the same bits either way.
__attribute__((target_clones("arch=x86-64-v3", "default")))
#endif
ResidualRange
gaps_of_block(const Mdp& mdp, const TwoDouble* v, double* gap, State first, State last) {
  const GapOfRow gap_of_row{mdp, v};
  const Offset* rows = mdp.state_rows().data();
  ResidualRange range;
  for (State s = first; s < last; ++s) {
    double best = infinity;
    const bool finite = v[s].hi < infinity;
    for (Offset row = rows[s]; row < rows[s + 1]; ++row) {
      gap[row] = finite ? gap_of_row(row, v[s]) : infinity;
      best = std::min(best, gap[row]);
    }
    if (best < infinity) range = {std::min(range.min, best), std::max(range.max, best)};
  }
  return range;
}

}  // namespace

ResidualRange row_gaps(const Mdp& mdp, std::span<const TwoDouble> v, std::span<double> gap, int threads) {
  return reduce_states(
      mdp.blocks(), threads, ResidualRange{},
      [&](State first, State last) { return gaps_of_block(mdp, v.data(), gap.data(), first, last); },
      [](const ResidualRange& x, const ResidualRange& y) {
        return ResidualRange{std::min(x.min, y.min), std::max(x.max, y.max)};
      });
}

double row_gap_error(const Mdp& mdp, double values_max_abs) {
  constexpr double u = unit_roundoff;
  const auto n = static_cast<double>(mdp.max_row_length());
  const double size = (mdp.max_abs_cost() + values_max_abs) * (1.0 + 8.0 * u);
  const double relative = (24.0 * n + 64.0) * u * u * (1.0 + 8.0 * u);
  return std::nextafter(relative * size + (8.0 * n + 32.0) * 0x1p-1074, infinity);
}

}  // namespace mdp::kernels
