#include "solvers/centre.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/bounds.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::solvers {

double centre(const Mdp& mdp, std::span<double> v, int threads) { return centre_values(mdp, v, threads).size; }

Centred centre_values(const Mdp& mdp, std::span<double> v, int threads) {
  struct Range {
    double min = infinity;
    double max = -infinity;
  };
  const Range range = kernels::reduce_states(
      mdp.blocks(), threads, Range{},
      [&](State first, State last) {
        Range part;
        for (State s = first; s < last; ++s) {
          if (v[s] < infinity) part = {std::min(part.min, v[s]), std::max(part.max, v[s])};
        }
        return part;
      },
      [](const Range& a, const Range& b) {
        return Range{std::min(a.min, b.min), std::max(a.max, b.max)};
      });
  if (!(range.min <= range.max)) return {};
  const double middle = 0.5 * range.min + 0.5 * range.max;
  if (middle == 0.0 || !std::isfinite(middle)) return {std::max(std::abs(range.min), std::abs(range.max)), 0.0};
  kernels::for_states(mdp.blocks(), threads, [&](State first, State last) {
    for (State s = first; s < last; ++s) v[s] -= middle;
  });
  return {bounds::round_up(std::max(std::abs(range.min - middle), std::abs(range.max - middle))), middle};
}

}  // namespace mdp::solvers
