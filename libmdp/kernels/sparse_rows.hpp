// libmdp/kernels/sparse_rows.hpp — where the rows of a sparse matrix end, looked up or, where all are equally long, reckoned.
#pragma once

#include "libmdp/types.hpp"

namespace mdp::kernels {

/// Row r ends where row r + 1 begins.
struct LookedUpRows {
  static constexpr bool equal = false;
  const Offset* begin;

  [[nodiscard]] Offset end(Offset row, Offset /*first*/) const { return begin[row + 1]; }
};

/// Every row has `length` entries: nothing is read, and a loop over a row is no loop.
template <Offset length>
struct EqualRows {
  static constexpr bool equal = true;

  [[nodiscard]] Offset end(Offset /*row*/, Offset first) const { return first + length; }
};

/// f(rows) for the rows of [first, last), none longer than `longest`: with EqualRows where all are as long as that and
/// short, so that their beginnings would be a good part of what is read (a sixth for 3 entries); else with LookedUpRows.
template <class F>
void with_rows(const Offset* begin, Offset first, Offset last, Offset longest, F&& f) {
  const bool equal = begin[last] - begin[first] == longest * (last - first);
  switch (equal ? longest : 0) {
    case 1: return f(EqualRows<1>{});
    case 2: return f(EqualRows<2>{});
    case 3: return f(EqualRows<3>{});
    case 4: return f(EqualRows<4>{});
    case 5: return f(EqualRows<5>{});
    default: return f(LookedUpRows{begin});
  }
}

/// sum p_k v(next_k) over the entries k of [first, last): ((p1 v1 + p2 v2) + p3 v3) + …, successors ascending, one
/// accumulator. The order is part of the contract: the same bits everywhere.
template <class Rows = LookedUpRows>
[[nodiscard]] inline double row_product(Offset first, Offset last, const double* p, const State* next,
                                        const double* v) {
  double sum = 0.0;
  // Unrolled: else where the loop happens to lie in memory makes up to a third of a sweep's time.
  if constexpr (Rows::equal) {
#pragma GCC unroll 5
    for (Offset k = first; k < last; ++k) sum += p[k] * v[next[k]];
  } else {
#pragma GCC unroll 4
    for (Offset k = first; k < last; ++k) sum += p[k] * v[next[k]];
  }
  return sum;
}

}  // namespace mdp::kernels
