// equivalence/enclosed_q.hpp — Q* of a pair from the enclosure of V* (internal to the room).
#pragma once

#include <algorithm>
#include <cmath>

#include "equivalence/known_values.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/kernels/accurate_row.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/two_double.hpp"

namespace mdp::equivalence {

/// Q of a pair from an enclosure of V*, in twice the precision.
struct QInterval {
  TwoDouble lower, upper;
};

/// Q = L + gamma P V at both ends of the enclosure of V*; row by row, nothing is stored.
class EnclosedQ {
 public:
  EnclosedQ(const Mdp& mdp, const KnownValues& values)
      : mdp_(mdp), values_(values), rows_(mdp), discount_(mdp.exact_discount().value) {}

  QInterval operator()(State s, Offset row) const {
    const TwoDouble cost = rows_.cost(row);
    if (cost.hi == infinity || discount_.hi == 0.0) return {cost, cost};
    if (rows_.reaches_infinity(row, values_.values)) return {infinity, infinity};
    const double own = values_.values[static_cast<std::size_t>(s)];
    const TwoDouble centre = own < infinity ? own : 0.0;
    return {cost + discount_ * (centre + rows_.expectation(row, values_.lower, centre)),
            cost + discount_ * (centre + rows_.expectation(row, values_.upper, centre))};
  }

  /// Of the sums above: sizes are at most max|L| + 3 max|V|.
  [[nodiscard]] double rounding_bound() const {
    double largest = 0.0;
    for (std::size_t s = 0; s < values_.values.size(); ++s) {
      if (values_.values[s] == infinity) continue;
      largest = std::max({largest, std::abs(values_.lower[s]), std::abs(values_.upper[s])});
    }
    return bounds::round_up(
               kernels::AccurateRow::error(mdp_.max_row_length() + 4, mdp_.max_abs_cost() + 8.0 * largest)) +
           mdp_.entry_error().cost_absolute;
  }

 private:
  const Mdp& mdp_;
  const KnownValues& values_;
  kernels::AccurateRow rows_;
  TwoDouble discount_;
};

[[nodiscard]] inline bool is_infinite(const QInterval& q) { return q.lower.hi == infinity; }

}  // namespace mdp::equivalence
