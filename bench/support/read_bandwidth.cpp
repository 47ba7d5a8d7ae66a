#include "bench/support/read_bandwidth.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <benchmark/benchmark.h>

#include "libmdp/buffer.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::bench {

namespace {

constexpr std::size_t n_blocks = 64;

/// Calls f(first, last) on n_blocks ranges of 0 .. n-1 and keeps what it returns; seconds of the fastest repeat.
template <class F>
double fastest(int repeats, std::size_t n, int threads, F&& f) {
  using Clock = std::chrono::steady_clock;
  double best_seconds = 1e300;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    const auto start = Clock::now();
    kernels::parallel_blocks(n_blocks, threads, [&](std::ptrdiff_t block) {
      const auto b = static_cast<std::size_t>(block);
      benchmark::DoNotOptimize(f(n * b / n_blocks, n * (b + 1) / n_blocks));
    });
    best_seconds = std::min(best_seconds, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best_seconds;
}

}  // namespace

double read_bandwidth(int threads, double n_bytes) {
  const auto n_words = static_cast<std::size_t>(std::clamp(n_bytes, 0x1p16, 0x1p29) / sizeof(std::uint64_t));
  Buffer<std::uint64_t> words(n_words);
  fastest(1, n_words, threads, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) words[i] = 1;
    return first;
  });
  const double seconds = fastest(5, n_words, threads, [&](std::size_t first, std::size_t last) {
    std::uint64_t sum = 0;  // integers: the compiler may reorder and use wide vectors
    for (std::size_t i = first; i < last; ++i) sum += words[i];
    return sum;
  });
  return static_cast<double>(n_words * sizeof(std::uint64_t)) / seconds;
}

double gather_seconds(std::span<const std::int32_t> positions, std::span<const double> table, int threads) {
  const auto at = [&](std::size_t k) { return table[static_cast<std::size_t>(positions[k])]; };
  return fastest(3, positions.size(), threads, [&](std::size_t first, std::size_t last) {
    double sums[4] = {};  // independent, so that latency of the additions does not count
    std::size_t k = first;
    for (; k + 4 <= last; k += 4) {
      for (std::size_t j = 0; j < 4; ++j) sums[j] += at(k + j);
    }
    for (; k < last; ++k) sums[0] += at(k);
    return sums[0] + sums[1] + sums[2] + sums[3];
  });
}

}  // namespace mdp::bench
