#pragma once

#include <cstdint>
#include <span>

namespace mdp::bench {

/// Bytes per second at which `threads` threads read memory: the best of five sums over `n_bytes`, by default 512 MB, far beyond
/// the caches; at most that. The pages are touched first by the threads that read them.
double read_bandwidth(int threads, double n_bytes = 0x1p29);

/// Seconds that `threads` threads take to gather table[positions[k]] for all k, reading the positions in order:
/// the best of three. The other limit of a sparse sweep, where the table does not fit the caches.
double gather_seconds(std::span<const std::int32_t> positions, std::span<const double> table, int threads);

}  // namespace mdp::bench
