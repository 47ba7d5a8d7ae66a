#include "libmdp/kernels/interval_sweep.hpp"

#include <algorithm>
#include <cmath>

namespace mdp::kernels {
namespace {

constexpr double inflate = 1.0 + 0x1p-48;

// A number below and one above the quotient sum / leaving.
struct Quotient {
  double low, high;
};

Quotient quotient(double sum, double leaving, const IntervalSweep& sweep) {
  const double q = sum / leaving;
  const double error = (sweep.error / leaving + (sweep.relative + 2.0 * unit_roundoff) * std::abs(q)) * inflate;
  return {std::nextafter(q - error, -infinity), std::nextafter(q + error, infinity)};
}

}  // namespace

double interval_sweep(const Mdp& mdp, std::span<const State> order, const IntervalSweep& sweep) {
  double change = 0.0;
  for (const State s : order) {
    double least_low = infinity;
    double least_high = infinity;
    for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
      if (!sweep.active.empty() && sweep.active[at(row)] == 0) continue;
      double low = mdp.cost()[at(row)];
      double high = low;
      double leaving = 0.0;
      for (Offset k = mdp.row_begin()[at(row)]; k < mdp.row_begin()[at(row) + 1]; ++k) {
        const State next = mdp.next_state()[at(k)];
        if (next == s) continue;
        const double p = mdp.probability()[at(k)];
        low += p * sweep.lower[at(next)];
        high += p * sweep.upper[at(next)];
        leaving += p;
      }
      if (!(leaving > 0.0) || !(low < infinity)) continue;
      const double own = quotient(low, leaving, sweep).low;
      least_low = std::min(least_low, own);
      least_high = std::min(least_high, quotient(high, leaving, sweep).high);
      if (!sweep.active.empty() && own > sweep.upper[at(s)]) sweep.active[at(row)] = 0;
    }
    if (least_low > sweep.lower[at(s)] && least_low < infinity) {
      change = std::max(change, least_low - sweep.lower[at(s)]);
      sweep.lower[at(s)] = least_low;
    }
    if (least_high < sweep.upper[at(s)]) {
      change = std::max(change, sweep.upper[at(s)] - least_high);
      sweep.upper[at(s)] = least_high;
    }
  }
  return change;
}

}  // namespace mdp::kernels
