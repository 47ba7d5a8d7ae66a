// libmdp/kernels/accurate_row.hpp — rows of the MDP meant, in twice the precision.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>

#include "libmdp/mdp.hpp"
#include "libmdp/two_double.hpp"

namespace mdp::kernels {

/// Entries with their tails, each row divided by its sum: what the MDP means, to about 2^-100, where plain doubles
/// keep 2^-53. For differences that cancel; some ten times the arithmetic of RowValue, the same traffic.
class AccurateRow {
 public:
  explicit AccurateRow(const Mdp& mdp)
      : begin_(mdp.row_begin()),
        next_(mdp.next_state()),
        probability_(mdp.probability()),
        tail_(mdp.probability_tail()),
        cost_(mdp.cost()),
        cost_tail_(mdp.cost_tail()) {}

  [[nodiscard]] TwoDouble cost(Offset row) const {
    const auto r = static_cast<std::size_t>(row);
    return cost_tail_.empty() ? TwoDouble(cost_[r]) : TwoDouble(cost_[r], cost_tail_[r]);
  }

  /// Entry k as stored, not yet divided by the sum of its row.
  [[nodiscard]] TwoDouble entry(Offset k) const {
    const auto i = static_cast<std::size_t>(k);
    return tail_.empty() ? TwoDouble(probability_[i]) : TwoDouble(probability_[i], tail_[i]);
  }

  /// Sum of a row's entries: 1 but for rounding.
  [[nodiscard]] TwoDouble sum(Offset row) const {
    TwoDouble total;
    for (Offset k = first(row); k < last(row); ++k) total = total + entry(k);
    return total;
  }

  /// E[v(s') - centre] = sum p (v - centre) / sum p over the row; v holds doubles or TwoDoubles, finite on the row.
  /// A row that sums to 1 to the bit is not divided. Error at most error(n, E|v - centre|).
  template <class Value>
  [[nodiscard]] TwoDouble expectation(Offset row, std::span<const Value> v, TwoDouble centre) const {
    TwoDouble weighted;
    TwoDouble total;
    for (Offset k = first(row); k < last(row); ++k) {
      const TwoDouble p = entry(k);
      weighted = weighted + p * (TwoDouble(v[state(k)]) - centre);
      total = total + p;
    }
    return total.hi == 1.0 && total.lo == 0.0 ? weighted : weighted / total;
  }

  /// Whether the row puts mass on a state with v = +inf.
  template <class Value>
  [[nodiscard]] bool reaches_infinity(Offset row, std::span<const Value> v) const {
    for (Offset k = first(row); k < last(row); ++k) {
      if (TwoDouble(v[state(k)]).hi == infinity) return true;
    }
    return false;
  }

  [[nodiscard]] Offset first(Offset row) const { return begin_[static_cast<std::size_t>(row)]; }
  [[nodiscard]] Offset last(Offset row) const { return begin_[static_cast<std::size_t>(row) + 1]; }
  [[nodiscard]] State next(Offset k) const { return next_[static_cast<std::size_t>(k)]; }

  /// Bound on the error of n-term sums of the above whose terms add up to `size` in absolute value, rounded up:
  /// (8n + 32) (2^-106 size + 2^-1074). Per term 1/2 u^2 (entry) + 3 u^2 (difference) + 4 u^2 (product), n sums of 3 u^2
  /// each, the same n sums in the divisor and 10 u^2 for the quotient, u = 2^-53; products below 2^-969 lose exactness.
  [[nodiscard]] static double error(Offset n, double size) noexcept {
    const double terms = 8.0 * static_cast<double>(n) + 32.0;
    return std::nextafter(terms * (0x1p-106 * size) + terms * 0x1p-1074, infinity);
  }

 private:
  [[nodiscard]] std::size_t state(Offset k) const { return static_cast<std::size_t>(next(k)); }

  std::span<const Offset> begin_;
  std::span<const State> next_;
  std::span<const double> probability_, tail_, cost_, cost_tail_;
};

}  // namespace mdp::kernels
