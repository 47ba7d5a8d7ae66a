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

double row_gap_error(const Mdp& mdp, double values_max_abs) {
  constexpr double u = unit_roundoff;
  const auto n = static_cast<double>(mdp.max_row_length());
  const double size = (mdp.max_abs_cost() + values_max_abs) * (1.0 + 8.0 * u);
  const double relative = (24.0 * n + 64.0) * u * u * (1.0 + 8.0 * u);
  return std::nextafter(relative * size + (8.0 * n + 32.0) * 0x1p-1074, infinity);
}

}  // namespace mdp::kernels
