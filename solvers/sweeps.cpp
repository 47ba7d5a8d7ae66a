#include "solvers/sweeps.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/bounds.hpp"
#include "solvers/centre.hpp"
#include "solvers/krylov.hpp"

namespace mdp::solvers {
namespace {

double span_of(const kernels::ResidualRange& range) { return range.max - range.min; }

// Says when rounding hides further progress: the span of the residual is that of rounding, or it has not halved in
// the number of sweeps in which exact arithmetic brings it down by exp(-4) at least.
class Stall {
 public:
  explicit Stall(const Mdp& mdp) : patience_(4.0 / mdp.exact_discount().complement.hi) {}

  bool operator()(const Mdp& mdp, const Iterate& it) {
    const double span = span_of(it.residual);
    if (!(span < infinity) || span <= 2.0 * bounds::sweep_error(mdp, it.size)) return true;
    if (span <= 0.5 * reference_) {
      reference_ = span;
      sweeps_ = 0.0;
    }
    return ++sweeps_ > patience_ + 2.0;
  }

 private:
  double patience_;
  double reference_ = infinity;
  double sweeps_ = 0.0;
};

// The loop of all methods that sweep: TV, bounds, test; then advance(it) makes the next V.
template <class Advance>
Outcome sweep_until(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal, Advance&& advance) {
  Stall stalled(mdp);
  it.policy.resize(it.v.size());
  for (;;) {
    if (!run.may_sweep()) return Outcome::stopped;
    it.residual = kernels::bellman_sweep(mdp, it.v, it.tv, it.policy, run.threads());
    const double half_width = goal.half_width(mdp, it);
    run.count_sweep(it.residual, goal.shown(half_width));
    if (goal.reached(mdp, it, half_width)) return Outcome::accurate;
    if (stalled(mdp, it)) return Outcome::stalled;
    if (run.stopped() != Status::not_run) return Outcome::stopped;
    advance(it);
  }
}

}  // namespace

Outcome ValueIteration::improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) {
  // Centring reads and writes V: every few sweeps is enough to keep its size near half its spread.
  constexpr int sweeps_per_centring = 8;
  int since_centring = 0;
  return sweep_until(mdp, it, run, goal, [&](Iterate& iterate) {
    std::swap(iterate.v, iterate.tv);
    iterate.size +=
        std::max(std::abs(iterate.residual.min), std::abs(iterate.residual.max)) * (1.0 + 4.0 * unit_roundoff);
    if (++since_centring < sweeps_per_centring) return;
    since_centring = 0;
    iterate.size = centre(mdp, iterate.v, run.threads());
  });
}

Outcome ModifiedPolicyIteration::improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) {
  return sweep_until(mdp, it, run, goal, [&](Iterate& iterate) { evaluate(mdp, iterate, run); });
}

void ModifiedPolicyIteration::evaluate(const Mdp& mdp, Iterate& it, Run& run) {
  if (chain_)
    chain_->assign(mdp, it.policy, run.threads());
  else
    chain_.emplace(mdp, it.policy, run.threads());
  run.count_iteration();
  if (evaluation_ == Evaluation::krylov)
    solve_chain(mdp, it, run);
  else
    sweep_chain(mdp, it, run);
  it.size = centre(mdp, it.v, run.threads());
}

// Sweeps of the chain until the span of its residual has shrunk by a factor, or the traffic of a few sweeps over
// all rows is spent.
void ModifiedPolicyIteration::sweep_chain(const Mdp& mdp, Iterate& it, const Run& run) {
  constexpr double reduction = 0.02;
  constexpr double full_sweeps_of_work = 5.0;
  const double cost_ratio = static_cast<double>(mdp.n_transitions() + mdp.n_rows()) /
                            static_cast<double>(chain_->n_transitions() + 2 * Offset{mdp.n_states()});
  const auto most = std::clamp<std::int64_t>(std::llround(full_sweeps_of_work * cost_ratio), 1, 1000);
  const double enough = reduction * span_of(it.residual);
  std::swap(it.v, it.tv);
  for (std::int64_t k = 0; k < most; ++k) {
    const auto residual = chain_->sweep(mdp.discount(), it.v, it.tv, run.threads());
    std::swap(it.v, it.tv);
    if (!(span_of(residual) > enough) || run.out_of_time()) break;
  }
}

// V <- V + e, (I - gamma P_pi) e = TV - V up to constants, to a part of the residual.
void ModifiedPolicyIteration::solve_chain(const Mdp& mdp, Iterate& it, const Run& run) {
  constexpr double reduction = 0.01;
  const double middle = 0.5 * it.residual.min + 0.5 * it.residual.max;
  std::vector<double> residual(it.v.size());
  std::vector<double> step(it.v.size(), 0.0);
  kernels::for_states(mdp.blocks(), run.threads(), [&](State first, State last) {
    for (State s = first; s < last; ++s) residual[s] = it.v[s] < infinity ? it.tv[s] - it.v[s] - middle : 0.0;
  });
  KrylovOptions options;
  options.tolerance = reduction * 0.5 * span_of(it.residual);
  options.threads = run.threads();
  options.keep_going = [&run] { return !run.out_of_time(); };
  improve_solution(chain_->rows(), mdp.discount(), residual, step, options);
  kernels::for_states(mdp.blocks(), run.threads(), [&](State first, State last) {
    for (State s = first; s < last; ++s) it.v[s] += step[s];
  });
}

}  // namespace mdp::solvers
