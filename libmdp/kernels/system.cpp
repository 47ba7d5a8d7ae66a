#include "libmdp/kernels/system.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/kernels/parallel.hpp"
#include "libmdp/kernels/sparse_rows.hpp"
#include "libmdp/kernels/stream_ahead.hpp"

namespace mdp::kernels {

void apply_system(const CompressedRows& m, double discount, std::span<const double> x, std::span<double> y,
                  int threads) {
  for_states(m.blocks, threads, [&](State first, State last) {
    StreamAhead ahead(m.value.data(), m.index.data(), m.begin[first], m.begin[last], m.begin.back(), x);
    for (State i = first; i < last; ++i) {
      ahead(m.begin[i + 1]);
      y[i] = x[i] - discount * row_product(m.begin[i], m.begin[i + 1], m.value.data(), m.index.data(), x.data());
    }
  });
}

void symmetric_gauss_seidel(const CompressedRows& m, double discount, int n_parts, std::span<const double> r,
                            std::span<double> z, int threads) {
  const auto n_blocks = static_cast<std::ptrdiff_t>(m.blocks.size()) - 1;
  const auto parts = std::min<std::ptrdiff_t>(n_parts, n_blocks);
  parallel_blocks(parts, threads, [&](std::ptrdiff_t part) {
    const State first = m.blocks[n_blocks * part / parts];
    const State last = m.blocks[n_blocks * (part + 1) / parts];
    const auto diagonal_and = [&](State i, auto&& inside) {
      double sum = 0.0;
      double diagonal = 1.0;
      for (Offset k = m.begin[i]; k < m.begin[i + 1]; ++k) {
        const State j = m.index[k];
        if (j == i)
          diagonal = 1.0 - discount * m.value[k];
        else if (inside(j))
          sum += m.value[k] * z[j];
      }
      return std::pair{diagonal, discount * sum};
    };
    for (State i = first; i < last; ++i) {
      const auto [diagonal, sum] = diagonal_and(i, [&](State j) { return j >= first && j < i; });
      z[i] = (r[i] + sum) / diagonal;
    }
    for (State i = last - 1; i >= first; --i) {
      const auto [diagonal, sum] = diagonal_and(i, [&](State j) { return j > i && j < last; });
      z[i] += sum / diagonal;
    }
  });
}

double dot(std::span<const State> blocks, std::span<const double> x, std::span<const double> y, int threads) {
  return reduce_states(
      blocks, threads, 0.0,
      [&](State first, State last) {
        double sum = 0.0;
        for (State i = first; i < last; ++i) sum += x[i] * y[i];
        return sum;
      },
      [](double a, double b) { return a + b; });
}

double max_norm(std::span<const State> blocks, std::span<const double> x, int threads) {
  const auto larger = [](double a, double b) { return b <= a || std::isnan(a) ? a : b; };  // keeps NaN
  return reduce_states(
      blocks, threads, 0.0,
      [&](State first, State last) {
        double largest = 0.0;
        for (State i = first; i < last; ++i) largest = larger(largest, std::abs(x[i]));
        return largest;
      },
      larger);
}

double sum_norm(std::span<const State> blocks, std::span<const double> x, int threads) {
  return reduce_states(
      blocks, threads, 0.0,
      [&](State first, State last) {
        double sum = 0.0;
        for (State i = first; i < last; ++i) sum += std::abs(x[i]);
        return sum;
      },
      [](double a, double b) { return a + b; });
}

}  // namespace mdp::kernels
