#include "solvers/run.hpp"

namespace mdp::solvers {

double Run::seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count(); }

bool Run::may_sweep() {
  if (stopped_ != Status::not_run) return false;
  if (sweeps_ >= options_.max_sweeps)
    stopped_ = Status::sweep_limit;
  else if (sweeps_ > first_sweep_ && out_of_time())
    stopped_ = why_stopped();
  if (stopped_ == Status::not_run && sweeps_ >= stage_end_) stage_over_ = true;
  return stopped_ == Status::not_run && !stage_over_;
}

void Run::count_sweep(const kernels::ResidualRange& residual, double half_width, const bounds::Interval& increment) {
  ++sweeps_;
  last_.residual_min = residual.min;
  last_.residual_max = residual.max;
  last_.half_width = half_width;
  last_.lower = increment.lower;
  last_.upper = increment.upper;
  last_.policy_changes = residual.n_changed;
  tell();
}

void Run::count_pass(State policy_changes) {
  ++sweeps_;
  if (sweeps_ == first_sweep_ + 1) last_.half_width = infinity;
  last_.policy_changes = policy_changes;
  tell();
}

void Run::tell() {
  if (!options_.observer && !options_.record_trace) return;
  last_.sweep = sweeps_;
  last_.iteration = iterations_;
  last_.seconds = seconds();
  last_.bytes = bytes_;
  if (options_.record_trace) trace_.push_back(last_);
  if (options_.observer && !options_.observer(last_)) stopped_ = Status::interrupted;
}

}  // namespace mdp::solvers
