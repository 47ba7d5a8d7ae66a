// libmdp/kernels/stream_ahead.hpp — asks for the transitions that a sweep will read soon.
#pragma once

#include <algorithm>

#include "libmdp/types.hpp"

namespace mdp::kernels {

/// Prefetches two arrays that a loop reads in order, values and indices of transitions, some lines ahead of it.
///
/// Hardware does so by itself for plain streams; between gathers that miss the caches it loses track: a sweep of a model
/// with scattered successors takes twice as long without this. It changes no result. Three instructions per 16 entries.
class StreamAhead {
 public:
  /// \param first  where the loop starts
  /// \param end    of the arrays: nothing beyond is asked for, and nothing for the last lines
  StreamAhead(const double* value, const State* index, Offset first, Offset end)
      : value_(value), index_(index), next_(first), last_(end - distance - per_step) {}

  /// To be called before entries up to `until` are read, `until` ascending.
  void operator()(Offset until) {
    for (until = std::min(until, last_); next_ < until; next_ += per_step) {
      __builtin_prefetch(value_ + next_ + distance);
      __builtin_prefetch(value_ + next_ + distance + per_step / 2);
      __builtin_prefetch(index_ + next_ + distance);
    }
  }

 private:
  static constexpr Offset per_step = 16;   // entries: two lines of values, one of indices
  static constexpr Offset distance = 512;  // entries: 4 kB of values, longer than memory takes to answer

  const double* value_;
  const State* index_;
  Offset next_;
  Offset last_;
};

}  // namespace mdp::kernels
