// libmdp/kernels/parallel.hpp — the one wrapper around OpenMP.
//
// Work is cut into blocks that depend on the data only (Mdp::blocks()); blocks are dealt to threads
// statically, and reductions combine block results in block order. So any number of threads gives the same bits.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "libmdp/types.hpp"

namespace mdp::kernels {

/// Threads to use for a request: the request if >= 1, else all that OpenMP offers.
[[nodiscard]] int n_threads(int requested) noexcept;

/// Calls f(block) for block = 0 .. n_blocks-1, in any order, on up to `threads` threads (0 = all).
/// f must not throw.
template <class F>
void parallel_blocks(std::ptrdiff_t n_blocks, int threads, F&& f) {
#pragma omp parallel for schedule(static) num_threads(n_threads(threads)) if (n_blocks > 1)
  for (std::ptrdiff_t block = 0; block < n_blocks; ++block) f(block);
}

/// Calls f(first, last) for the half-open state range of each block.
template <class F>
void for_states(std::span<const State> blocks, int threads, F&& f) {
  parallel_blocks(static_cast<std::ptrdiff_t>(blocks.size()) - 1, threads, [&](std::ptrdiff_t b) {
    f(blocks[static_cast<std::size_t>(b)], blocks[static_cast<std::size_t>(b) + 1]);
  });
}

/// combine(... combine(combine(start, f(block 0)), f(block 1)) ...), f(first, last) over the state ranges.
template <class T, class F, class Combine>
[[nodiscard]] T reduce_states(std::span<const State> blocks, int threads, T start, F&& f, Combine&& combine) {
  struct Part {  // so that a bool is one object for its thread, not a bit among those of others
    T value;
  };
  std::vector<Part> parts(blocks.size() - 1);
  parallel_blocks(static_cast<std::ptrdiff_t>(parts.size()), threads, [&](std::ptrdiff_t b) {
    const auto i = static_cast<std::size_t>(b);
    parts[i].value = f(blocks[i], blocks[i + 1]);
  });
  for (const Part& part : parts) start = combine(start, part.value);
  return start;
}

}  // namespace mdp::kernels
