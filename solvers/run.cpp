#include "solvers/run.hpp"

namespace mdp::solvers {

double Run::seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count(); }

bool Run::may_sweep() {
  if (stopped_ != Status::not_run) return false;
  if (sweeps_ >= options_.max_sweeps)
    stopped_ = Status::sweep_limit;
  else if (sweeps_ > 0 && out_of_time())
    stopped_ = Status::time_limit;
  return stopped_ == Status::not_run;
}

void Run::count_sweep(const kernels::ResidualRange& residual, double half_width) {
  ++sweeps_;
  if (!options_.observer && !options_.record_trace) return;
  const SweepRecord record{sweeps_, iterations_, residual.min, residual.max, half_width, seconds()};
  if (options_.record_trace) trace_.push_back(record);
  if (options_.observer && !options_.observer(record)) stopped_ = Status::interrupted;
}

}  // namespace mdp::solvers
