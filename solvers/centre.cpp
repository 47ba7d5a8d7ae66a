#include "solvers/centre.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/bounds.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::solvers {
namespace {

double leading(double x) { return x; }
double leading(TwoDouble x) { return x.hi; }

template <class T>
double centre_values(const Mdp& mdp, std::span<T> v, int threads) {
  struct Range {
    double min = infinity;
    double max = -infinity;
  };
  const Range range = kernels::reduce_states(
      mdp.blocks(), threads, Range{},
      [&](State first, State last) {
        Range part;
        for (State s = first; s < last; ++s) {
          const double x = leading(v[s]);
          if (x < infinity) part = {std::min(part.min, x), std::max(part.max, x)};
        }
        return part;
      },
      [](const Range& a, const Range& b) {
        return Range{std::min(a.min, b.min), std::max(a.max, b.max)};
      });
  if (!(range.min <= range.max)) return 0.0;
  const double middle = 0.5 * range.min + 0.5 * range.max;
  if (middle == 0.0 || !std::isfinite(middle)) return std::max(std::abs(range.min), std::abs(range.max));
  kernels::for_states(mdp.blocks(), threads, [&](State first, State last) {
    for (State s = first; s < last; ++s) {
      if (leading(v[s]) < infinity) v[s] = v[s] + T(-middle);
    }
  });
  return bounds::round_up(bounds::round_up(std::max(std::abs(range.min - middle), std::abs(range.max - middle))));
}

}  // namespace

double centre(const Mdp& mdp, std::span<double> v, int threads) { return centre_values(mdp, v, threads); }
double centre(const Mdp& mdp, std::span<TwoDouble> v, int threads) { return centre_values(mdp, v, threads); }

}  // namespace mdp::solvers
