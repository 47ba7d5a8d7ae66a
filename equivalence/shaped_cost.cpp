#include "equivalence/shaped_cost.hpp"

#include "libmdp/bounds.hpp"
#include "libmdp/kernels/accurate_row.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::equivalence {

using kernels::AccurateRow;

ShapedCost shaped_cost(const Mdp& model, std::span<const TwoDouble> slack, std::span<const TwoDouble> own,
                       std::span<const TwoDouble> next, int threads) {
  const AccurateRow rows(model);
  const Discount& discount = model.exact_discount();
  const auto n = static_cast<std::size_t>(model.n_rows());
  ShapedCost result{Buffer<double>(n), Buffer<double>(n), Buffer<double>(n)};
  const auto at_row = [&](TwoDouble phi, Offset row) {
    const auto r = static_cast<std::size_t>(row);
    result.tail[r] = result.subtracted[r] = 0.0;
    result.cost[r] = infinity;
    if (phi.hi == infinity || slack[r].hi == infinity) return;
    TwoDouble step;  // gamma^ E_rho^[Phi' - Phi(s)]
    if (discount.value.hi > 0.0) {
      if (rows.reaches_infinity(row, next)) return;  // TC(a) fails
      step = discount.value * rows.expectation(row, next, phi);
    }
    const TwoDouble cost = slack[r] + (discount.complement * phi - step);
    result.cost[r] = cost.hi;
    result.tail[r] = cost.lo;
    result.subtracted[r] = (discount.value * phi + step).hi;
  };
  kernels::for_states(model.blocks(), threads, [&](State first, State last) {
    for (State s = first; s < last; ++s) {
      const Offset first_row = model.state_rows()[static_cast<std::size_t>(s)];
      for (Offset row = first_row; row < first_row + model.n_actions(s); ++row)
        at_row(own[static_cast<std::size_t>(s)], row);
    }
  });
  return result;
}

double shaped_cost_error(const Mdp& model, double size) {
  return AccurateRow::error(model.max_row_length() + 4, 6.0 * size);
}

}  // namespace mdp::equivalence
