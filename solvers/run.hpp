// solvers/run.hpp — clock, limits, observer and trace of one call of a solver (internal).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "libmdp/bounds.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "solvers/options.hpp"

namespace mdp::solvers {

/// Counts sweeps and says when to stop; what stopped it is remembered.
class Run {
 public:
  explicit Run(const SolveOptions& options) : options_(options) {}

  /// False once a limit is reached or the observer said stop.
  [[nodiscard]] bool may_sweep();
  static constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();
  /// Cuts the run: may_sweep() says no after so many more sweeps, and stopped() stays not_run. no_limit: it is not cut.
  void end_stage_after(std::int64_t more_sweeps) {
    stage_end_ = more_sweeps < no_limit - sweeps_ ? sweeps_ + more_sweeps : no_limit;
    stage_over_ = false;
  }
  [[nodiscard]] bool stage_over() const noexcept { return stage_over_; }
  /// Continues the counts of an earlier run.
  void resume_from(std::int64_t sweeps, std::int64_t iterations, double bytes) {
    sweeps_ = first_sweep_ = sweeps;
    iterations_ = iterations;
    bytes_ = bytes;
    resumed_ = true;
  }
  /// Whether V comes from nowhere: no start vector, no earlier stage.
  [[nodiscard]] bool flat_start() const noexcept { return options_.start.empty() && !resumed_; }
  void mark_resumed() noexcept { resumed_ = true; }

  /// Counts one sweep over all rows, tells observer and trace.
  void count_sweep(const kernels::ResidualRange& residual, double half_width,
                   const bounds::Interval& increment = {not_computed, not_computed});
  /// Counts one sweep over all rows that proves nothing new: the record repeats what was proved before.
  void count_pass(State policy_changes = 0);
  /// Traffic of a pass over so many transitions and rows.
  void count_traffic(Offset transitions, Offset rows) {
    bytes_ += 12.0 * static_cast<double>(transitions) + 16.0 * static_cast<double>(rows);
  }
  void count_iteration() { ++iterations_; }
  /// Whether to stop in the middle of a step: no time is left, or somebody asks for it.
  [[nodiscard]] bool out_of_time() const { return asked_to_stop() || seconds() >= options_.time_limit_seconds; }
  /// For long steps to ask.
  [[nodiscard]] std::function<bool()> while_time_is_left() const {
    return [this] { return !out_of_time(); };
  }
  /// Whether to go on with what begins now: while time is left, and in any case for half a second, so that small things end.
  [[nodiscard]] std::function<bool()> with_grace() {
    return [this, begin = seconds()] {
      const bool goes_on = !out_of_time() || seconds() < begin + 0.5;
      if (!goes_on && stopped_ == Status::not_run) stopped_ = why_stopped();
      return goes_on;
    };
  }
  [[nodiscard]] double seconds_left() const { return asked_to_stop() ? 0.0 : options_.time_limit_seconds - seconds(); }

  /// not_run while nothing stopped it, else sweep_limit, time_limit or interrupted.
  [[nodiscard]] Status stopped() const noexcept { return stopped_; }
  [[nodiscard]] std::int64_t sweeps() const noexcept { return sweeps_; }
  [[nodiscard]] std::int64_t iterations() const noexcept { return iterations_; }
  [[nodiscard]] double bytes() const noexcept { return bytes_; }
  [[nodiscard]] double seconds() const;
  [[nodiscard]] std::vector<SweepRecord> take_trace() { return std::move(trace_); }
  [[nodiscard]] int threads() const noexcept { return options_.threads; }
  [[nodiscard]] const SolveOptions& options() const noexcept { return options_; }

 private:
  void tell();
  [[nodiscard]] bool asked_to_stop() const { return options_.keep_going && !options_.keep_going(); }
  [[nodiscard]] Status why_stopped() const { return asked_to_stop() ? Status::interrupted : Status::time_limit; }

  const SolveOptions& options_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  Status stopped_ = Status::not_run;
  std::int64_t sweeps_ = 0;
  std::int64_t first_sweep_ = 0;
  std::int64_t stage_end_ = no_limit;
  bool stage_over_ = false;
  bool resumed_ = false;
  std::int64_t iterations_ = 0;
  double bytes_ = 0.0;
  SweepRecord last_;
  std::vector<SweepRecord> trace_;
};

}  // namespace mdp::solvers
