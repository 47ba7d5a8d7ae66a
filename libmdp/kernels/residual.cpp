#include "libmdp/kernels/residual.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "libmdp/kernels/precise_row.hpp"

namespace mdp::kernels {
namespace {

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(MDP_NO_TARGET_CLONES)
// std::fma as one instruction where the machine has it; the same bits either way.
__attribute__((target_clones("arch=x86-64-v3", "default")))
#endif
ResidualRange
gaps_of_block(const Mdp& mdp, const TwoDouble* v, double* gap, State first, State last) {
  const PreciseRow precise{mdp, v};
  const Offset* rows = mdp.state_rows().data();
  ResidualRange range;
  for (State s = first; s < last; ++s) {
    double best = infinity;
    const bool finite = v[s].hi < infinity;
    for (Offset row = rows[s]; row < rows[s + 1]; ++row) {
      const TwoDouble q = finite ? precise.q(row) : TwoDouble(infinity);
      gap[row] = q.hi < infinity ? (q - v[s]).value() : infinity;
      best = std::min(best, gap[row]);
    }
    if (best < infinity) range = {std::min(range.min, best), std::max(range.max, best)};
  }
  return range;
}

// q of a row within `error`; error = +inf: nothing is known of it. q.hi = +inf: the row is inadmissible.
struct KnownQ {
  TwoDouble q;
  double error = 0.0;
};

KnownQ known_q(const PreciseRow& precise, const KnownValues& known, Offset row) {
  constexpr double u = unit_roundoff;
  constexpr double largest = 0x1.fp1023;  // sums below it do not overflow
  constexpr double inflate = 1.0 + 0x1p-40;
  if (precise.cost[row] == infinity) return {infinity, 0.0};
  double size = 0.0;
  double error = 0.0;
  const bool looks_ahead = precise.discount.hi > 0.0;
  for (Offset k = precise.begin[row]; k < precise.begin[row + 1] && looks_ahead; ++k) {
    const State next = precise.next[k];
    if (known.v[next].hi == infinity) return {infinity, 0.0};
    size += precise.p[k] * std::abs(known.v[next].hi);
    error += precise.p[k] * known.error[next];
  }
  const double own = std::abs(precise.cost[row]);
  if (size == 0.0 && error == 0.0 && own == 0.0 && known.cost_error == 0.0) return {TwoDouble(), 0.0};
  if (!(size < largest && own + size < largest)) return {TwoDouble(), infinity};
  const auto n = static_cast<double>(precise.begin[row + 1] - precise.begin[row]);
  const double relative = (24.0 * n + 64.0) * u * u;
  error = precise.discount.hi * (error + known.probability_error * size) + known.cost_error +
          relative * (own + precise.discount.hi * size) +
          0x1p-1074 * size;  // the last: a discount that has lost its tail
  return {precise.q(row), error * (inflate + 4.0 * n * u) + (10.0 * n + 40.0) * 0x1p-1074};
}

// The least q, the error of it, and the lowest row that is as good.
Action choose(std::span<const KnownQ> rows, TwoDouble& least, double& error) {
  least = infinity;
  bool unknown = false;
  for (const KnownQ& x : rows) {
    unknown = unknown || x.error == infinity;
    if (x.error < infinity && x.q < least) least = x.q;
  }
  if (unknown && least.hi == infinity) least = 0.0;
  error = unknown ? infinity : 0.0;
  if (unknown || least.hi == infinity) return 0;
  constexpr double shrink = 1.0 - 0x1p-50;  // the rounding of a difference
  double above = infinity;
  for (const KnownQ& x : rows) {
    if (x.q.hi == infinity) continue;
    const double excess = (x.q - least).value();
    above = std::min(above, (excess + x.error) / shrink);
    error = std::max(error, x.error - excess * shrink);
  }
  error = std::max(error, above);
  const auto within = [&](const KnownQ& x) {
    return x.q.hi < infinity && (x.q - least).value() + x.error <= 4.0 * above;
  };
  return static_cast<Action>(std::find_if(rows.begin(), rows.end(), within) - rows.begin());
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

void precise_sweep(const Mdp& mdp, std::span<const TwoDouble> v, std::span<TwoDouble> tv, double slack,
                   std::span<Action> policy, int threads) {
  for_states(mdp.blocks(), threads, [&](State first, State last) {
    const PreciseRow precise{mdp, v.data()};
    const Offset* rows = mdp.state_rows().data();
    std::vector<TwoDouble> q;
    for (State s = first; s < last; ++s) {
      q.clear();
      for (Offset row = rows[s]; row < rows[s + 1]; ++row) q.push_back(precise.q(row));
      const TwoDouble least = *std::min_element(q.begin(), q.end());
      const auto within = [&](TwoDouble x) { return !(least < x) || (x - least).hi <= slack; };
      tv[s] = least;
      policy[s] = static_cast<Action>(std::find_if(q.begin(), q.end(), within) - q.begin());
    }
  });
}

void precise_sweep(const Mdp& mdp, const KnownValues& known, std::span<TwoDouble> tv, std::span<double> tv_error,
                   std::span<Action> policy, int threads) {
  for_states(mdp.blocks(), threads, [&](State first, State last) {
    const PreciseRow precise{mdp, known.v.data()};
    const Offset* rows = mdp.state_rows().data();
    std::vector<KnownQ> q;
    for (State s = first; s < last; ++s) {
      q.clear();
      for (Offset row = rows[s]; row < rows[s + 1]; ++row) q.push_back(known_q(precise, known, row));
      policy[s] = choose(q, tv[s], tv_error[s]);
    }
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
