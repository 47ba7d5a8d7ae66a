#include "libmdp/kernels/row_bounds.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "libmdp/kernels/bellman.hpp"
#include "libmdp/kernels/precise_row.hpp"
#include "libmdp/kernels/residual.hpp"

namespace mdp::kernels {
namespace {

/// Which infinities a row can reach in one step.
struct Reach {
  bool below = false;
  bool above = false;
};

Reach infinities(const Mdp& mdp, std::span<const double> v, Offset row) {
  Reach reach;
  for (Offset k = mdp.row_begin()[row]; k < mdp.row_begin()[row + 1]; ++k) {
    const double x = v[mdp.next_state()[k]];
    reach.below = reach.below || x == -infinity;
    reach.above = reach.above || x == infinity;
  }
  return reach;
}

}  // namespace

void row_bounds(const Mdp& mdp, std::span<const double> v, bool up, double more, std::span<double> q, int threads) {
  std::vector<TwoDouble> finite(v.size());
  double size = 0.0;
  for (std::size_t s = 0; s < v.size(); ++s) {
    if (!std::isfinite(v[s])) continue;
    finite[s] = v[s];
    size = std::max(size, std::abs(v[s]));
  }
  const double error = std::nextafter(row_gap_error(mdp, size) + more, infinity);
  const double far = up ? infinity : -infinity;
  const bool discounted_away = !(mdp.exact_discount().value.hi > 0.0);
  for_states(mdp.blocks(), threads, [&](State first, State last) {
    const PreciseRow precise{mdp, finite.data()};
    for (Offset row = mdp.state_rows()[first]; row < mdp.state_rows()[last]; ++row) {
      if (mdp.cost()[row] == infinity) {
        q[row] = infinity;
        continue;
      }
      const Reach reach = discounted_away ? Reach{} : infinities(mdp, v, row);
      if (reach.below || reach.above) {
        const bool certain = up ? !reach.above : !reach.below;  // the other infinity alone
        q[row] = certain ? -far : far;
        continue;
      }
      const TwoDouble sum = precise.q(row) + TwoDouble(up ? error : -error);
      const double rounded = std::isfinite(sum.hi) ? std::nextafter(sum.value(), far) : far;
      q[row] = error == 0.0 ? sum.hi : rounded;
    }
  });
}

}  // namespace mdp::kernels
