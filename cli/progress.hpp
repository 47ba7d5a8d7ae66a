// cli/progress.hpp — a progress bar on the terminal, and nothing anywhere else.
#pragma once

#include <chrono>
#include <string>

namespace mdp::cli {

/// Draws one line on standard error while work is under way, at most ten times a second and not in the first
/// moments of a short job; erases it at the end. Silent where standard error is not a terminal.
class Progress {
 public:
  /// \param what   the work, e.g. "solve"
  /// \param quiet  never draw
  Progress(std::string what, bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// \param fraction  done so far, in [0, 1]; outside or NaN: unknown, no bar
  /// \param detail    a function returning a short text; only called when the line is drawn
  template <class Detail>
  void update(double fraction, Detail&& detail) {
    if (due()) draw(fraction, detail());
  }

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] bool due();
  void draw(double fraction, const std::string& detail);

  std::string what_;
  bool shown_;
  bool drawn_ = false;
  Clock::time_point next_;
};

/// How far a shrinking bound has come from `first` to `target`, on a logarithmic scale.
[[nodiscard]] double log_fraction(double first, double now, double target);

}  // namespace mdp::cli
