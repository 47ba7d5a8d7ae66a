// solvers/sweep_loop.hpp — the loop of all methods that sweep (internal).
#pragma once

#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "solvers/iterate.hpp"

namespace mdp::solvers {

[[nodiscard]] inline double span_of(const kernels::ResidualRange& range) { return range.max - range.min; }
[[nodiscard]] inline double middle_of(const kernels::ResidualRange& range) {
  return range.min <= range.max ? 0.5 * range.min + 0.5 * range.max : 0.0;
}

/// Says when rounding hides further progress: the span of the residual is that of rounding; or it has not halved for a
/// while: 8 sweeps where it is near rounding (which adds up over sweeps), else as many as bring it down by exp(-4) at
/// least in exact arithmetic.
class Stall {
 public:
  explicit Stall(const Mdp& mdp) : patience_(2.0 + 4.0 / mdp.exact_discount().complement.hi) {}

  bool operator()(const Mdp& mdp, const Iterate& it) {
    const double span = span_of(it.residual);
    const double error = bounds::sweep_error(mdp, it.size);
    if (!(span < infinity) || span <= 2.0 * error) return true;
    if (span <= 0.5 * reference_) {
      reference_ = span;
      sweeps_ = 0.0;
    }
    return ++sweeps_ > (span <= 64.0 * error ? 8.0 : patience_);
  }

 private:
  double patience_;
  double reference_ = infinity;
  double sweeps_ = 0.0;
};

/// Again and again: sweep() sets TV and the greedy policy and returns the range of TV - V; bounds, test; then advance(it)
/// makes the next V. advance() says whether to go on; if not, the outcome is Outcome::stalled.
template <class Advance, class Sweep>
Outcome sweep_until(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal, Advance&& advance, Sweep&& sweep) {
  Stall stalled(mdp);
  it.policy.resize(it.v.size());
  for (;;) {
    if (!run.may_sweep()) return Outcome::stopped;
    it.residual = sweep();
    const double half_width = goal.half_width(mdp, it);
    run.count_sweep(it.residual, goal.shown(half_width), goal.increment(mdp, it));
    if (goal.reached(mdp, it, half_width)) return Outcome::accurate;
    if (stalled(mdp, it)) return Outcome::stalled;
    if (run.stopped() != Status::not_run) return Outcome::stopped;
    if (!advance(it)) return Outcome::stalled;
  }
}

/// The same with bellman_sweep().
template <class Advance>
Outcome sweep_until(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal, Advance&& advance) {
  return sweep_until(mdp, it, run, goal, std::forward<Advance>(advance), [&] {
    run.count_traffic(kernels::is_zero(it.v) ? 0 : mdp.n_transitions(), mdp.n_rows());
    return kernels::bellman_sweep(mdp, it.v, it.tv, it.policy, run.threads());
  });
}

}  // namespace mdp::solvers
