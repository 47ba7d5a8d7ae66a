// cli/watch.hpp — a solver under observation: progress bar and Ctrl-C.
#pragma once

#include <string>

#include "cli/interrupt.hpp"
#include "cli/program.hpp"
#include "cli/progress.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/options.hpp"

namespace mdp::cli {

/// While it lives, a solver called with on(options) shows a progress bar and stops at Ctrl-C with its best bounds.
class Watch {
 public:
  /// \param what    shown beside the bar, e.g. "solve world"
  /// \param target  half-width at which the bar is full; NaN: no bar, a line only
  Watch(std::string what, const CommonFlags& common, double target = not_computed);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// The same options, observed and interruptible. They refer to this object.
  template <class Options>
  [[nodiscard]] Options on(Options options) {
    options.observer = [this](const solvers::SweepRecord& record) { return observe(record); };
    if constexpr (requires { options.keep_going; }) options.keep_going = [] { return !interrupted(); };
    return options;
  }

 private:
  bool observe(const solvers::SweepRecord& record);

  InterruptScope interrupt_;
  Progress progress_;
  double target_;
  double first_ = not_computed;
};

/// About the half-width at which a solve ends.
[[nodiscard]] double expected_half_width(const Mdp& mdp, const solvers::SolveOptions& options);

}  // namespace mdp::cli
