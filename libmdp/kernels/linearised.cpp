#include "libmdp/kernels/linearised.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/kernels/bellman.hpp"

namespace mdp::kernels {
namespace {

// f(row) for the rows of [first, last).
template <class F>
void for_rows(const Mdp& mdp, State first, State last, F&& f) {
  const Offset* rows = mdp.state_rows().data();
  for (Offset row = rows[first]; row < rows[last]; ++row) f(row);
}

// The sums of one row of entry_sources().
struct RowChange {
  double expectation = 0.0;      // sum p v
  double abs_expectation = 0.0;  // sum p |v|
  double change = 0.0;           // sum dp v
  double abs_change = 0.0;       // sum |dp| |v|
  double mass = 0.0;             // sum dp
  double abs_mass = 0.0;         // sum |dp|
};

RowChange sum_row(const RowValue& q, const double* dp, Offset row) {
  RowChange sum;
  for (Offset k = q.begin[row]; k < q.begin[row + 1]; ++k) {
    const double v = q.v[q.next[k]];
    sum.expectation += q.p[k] * v;
    sum.abs_expectation += q.p[k] * std::abs(v);
    sum.change += dp[k] * v;
    sum.abs_change += std::abs(dp[k] * v);
    sum.mass += dp[k];
    sum.abs_mass += std::abs(dp[k]);
  }
  return sum;
}

}  // namespace

ChangeSize entry_sources(const Mdp& mdp, std::span<const double> v, const EntryChange& change, std::span<double> source,
                         int threads) {
  const RowValue q(mdp, v);
  const auto block = [&](State first, State last) {
    ChangeSize size;
    for_rows(mdp, first, last, [&](Offset row) {
      const RowChange sum = sum_row(q, change.probability.data(), row);
      if (!(q.cost[row] < infinity && sum.abs_expectation < infinity)) {
        source[row] = not_computed;
        return;
      }
      const double mass = change.normalised ? sum.mass : 0.0;
      const double abs_mass = change.normalised ? sum.abs_mass : 0.0;
      source[row] =
          change.cost[row] + q.discount * (sum.change - mass * sum.expectation) + change.discount * sum.expectation;
      const double magnitude = std::abs(change.cost[row]) +
                               q.discount * (sum.abs_change + abs_mass * sum.abs_expectation) +
                               std::abs(change.discount) * sum.abs_expectation;
      size.magnitude = std::max(size.magnitude, magnitude);
      size.probability = std::max(size.probability, sum.abs_mass + abs_mass);
    });
    return size;
  };
  return reduce_states(mdp.blocks(), threads, ChangeSize{}, block, [](const ChangeSize& x, const ChangeSize& y) {
    return ChangeSize{std::max(x.magnitude, y.magnitude), std::max(x.probability, y.probability)};
  });
}

void add_expectation(const Mdp& mdp, std::span<const double> source, std::span<const double> dv, std::span<double> q,
                     int threads) {
  RowValue value(mdp, dv);
  value.cost = source.data();
  for_states(mdp.blocks(), threads,
             [&](State first, State last) { for_rows(mdp, first, last, [&](Offset row) { q[row] = value(row); }); });
}

void average_rows(const Mdp& mdp, std::span<const double> weight, std::span<const double> x, std::span<double> y,
                  int threads) {
  for_states(mdp.blocks(), threads, [&](State first, State last) {
    for (State s = first; s < last; ++s) {
      double sum = 0.0;
      for_rows(mdp, s, s + 1, [&](Offset row) { sum += weight[row] == 0.0 ? 0.0 : weight[row] * x[row]; });
      y[s] = sum;
    }
  });
}

void transpose_rows(const Mdp& mdp, std::span<const double> x, std::span<double> y) {
  transpose_entries(mdp, mdp.probability(), x, y);
}

void transpose_entries(const Mdp& mdp, std::span<const double> entries, std::span<const double> x,
                       std::span<double> y) {
  const Offset* begin = mdp.row_begin().data();
  const State* next = mdp.next_state().data();
  std::fill(y.begin(), y.end(), 0.0);
  std::vector<double> lost(y.size(), 0.0);  // what the roundings of y dropped
  for (Offset row = 0; row < mdp.n_rows(); ++row) {
    if (x[row] == 0.0) continue;
    for (Offset k = begin[row]; k < begin[row + 1]; ++k) {
      const State s = next[k];
      const TwoDouble product = two_product(entries[k], x[row]);
      const TwoDouble sum = two_sum(y[s], product.hi);
      y[s] = sum.hi;
      lost[s] += sum.lo + product.lo;
    }
  }
  for (std::size_t s = 0; s < y.size(); ++s) y[s] += lost[s];
}

void expect_entries(const Mdp& mdp, std::span<const double> entries, std::span<const double> v, std::span<double> y,
                    int threads) {
  RowValue q(mdp, v);
  q.p = entries.data();
  for_states(mdp.blocks(), threads, [&](State first, State last) {
    for_rows(mdp, first, last, [&](Offset row) { y[row] = q.expectation(row); });
  });
}

void add_row_products(const Mdp& mdp, std::span<const double> weight, std::span<const double> v,
                      std::span<double> entries, int threads) {
  const RowValue q(mdp, v);
  for_states(mdp.blocks(), threads, [&](State first, State last) {
    for_rows(mdp, first, last, [&](Offset row) {
      for (Offset k = q.begin[row]; k < q.begin[row + 1]; ++k) entries[k] += weight[row] * v[q.next[k]];
    });
  });
}

double entry_gradient(const Mdp& mdp, std::span<const double> weight, std::span<const double> v, bool normalised,
                      std::span<double> probability, int threads) {
  const RowValue q(mdp, v);
  const auto block = [&](State first, State last) {
    TwoDouble total = 0.0;
    for_rows(mdp, first, last, [&](Offset row) {
      const bool counts = weight[row] != 0.0;
      const double expectation = counts ? q.expectation(row) : 0.0;
      if (counts) total = total + two_product(weight[row], expectation);
      if (probability.empty()) return;
      const double centre = normalised ? expectation : 0.0;
      for (Offset k = q.begin[row]; k < q.begin[row + 1]; ++k) {
        probability[k] = counts ? q.discount * weight[row] * (v[q.next[k]] - centre) : 0.0;
      }
    });
    return total;
  };
  return reduce_states(mdp.blocks(), threads, TwoDouble(0.0), block, [](TwoDouble x, TwoDouble y) { return x + y; })
      .value();
}

}  // namespace mdp::kernels
