// libmdp/kernels/stream_ahead.hpp — asks for the transitions that a sweep will read soon, and for what they gather.
#pragma once

#include <algorithm>
#include <array>
#include <span>

#include "libmdp/types.hpp"

namespace mdp::kernels {

/// Prefetches two arrays that a loop reads in order, values and indices of transitions, some lines ahead of it; and the
/// entries of a table that the indices gather, where that is large and they are scattered.
///
/// Hardware reads ahead by itself for plain streams; between gathers that miss the caches it loses track: a sweep of a model
/// with scattered successors takes twice as long without this. And a processor sees only some dozens of gathers ahead, too
/// few to hide the time of a far cache, let alone of memory. It changes no result. Three instructions per 16 entries, and
/// two per entry where gathers are asked for, which costs a fifth of a sweep where they would have hit.
class StreamAhead {
 public:
  /// \param first  where the loop starts
  /// \param end    of the arrays: nothing beyond is asked for, and nothing for the last lines
  StreamAhead(const double* value, const State* index, Offset first, Offset end)
      : value_(value), index_(index), next_(first), last_(end - distance - per_step) {}
  /// \param last   where the loop ends
  /// \param table  what it gathers
  StreamAhead(const double* value, const State* index, Offset first, Offset last, Offset end,
              std::span<const double> table)
      : StreamAhead(value, index, first, end) {
    if (table.size_bytes() > near_bytes && scattered(index + first, last - first)) table_ = table.data();
  }

  /// To be called before entries up to `until` are read, `until` ascending.
  void operator()(Offset until) {
    for (until = std::min(until, last_); next_ < until; next_ += per_step) {
      __builtin_prefetch(value_ + next_ + distance);
      __builtin_prefetch(value_ + next_ + distance + per_step / 2);
      __builtin_prefetch(index_ + next_ + distance);
      if (table_ == nullptr) continue;
      for (Offset k = 0; k < per_step; ++k) __builtin_prefetch(table_ + index_[next_ + gather_distance + k]);
    }
  }

 private:
  static constexpr Offset per_step = 16;              // entries: two lines of values, one of indices
  static constexpr Offset distance = 512;             // entries: 4 kB of values, longer than memory takes to answer
  static constexpr Offset gather_distance = 128;      // entries, whose indices came by then
  static constexpr std::size_t near_bytes = 3 << 20;  // more than the caches of one core hold

  // Whether a sample of n entries is spread over more than a core's caches hold.
  static bool scattered(const State* index, Offset n) {
    constexpr std::size_t size = 8;
    std::array<State, size> sample{};
    if (n < static_cast<Offset>(size)) return false;
    for (std::size_t k = 0; k < size; ++k) sample[k] = index[n * static_cast<Offset>(k) / static_cast<Offset>(size)];
    std::sort(sample.begin(), sample.end());
    return static_cast<std::size_t>(sample[size - 2] - sample[1]) * sizeof(double) > near_bytes / 4;
  }

  const double* value_;
  const State* index_;
  const double* table_ = nullptr;
  Offset next_;
  Offset last_;
};

}  // namespace mdp::kernels
