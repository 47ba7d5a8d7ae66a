#include "solvers/howard.hpp"

#include <algorithm>
#include <cmath>

#include "solvers/centre.hpp"
#include "solvers/krylov.hpp"
#include "solvers/sweeps.hpp"

namespace mdp::solvers {
namespace {

using bounds::Interval;

// min_a q, the range of min_a q - v, and the policy changed where some action is better by more than `threshold`.
struct ImprovePolicy {
  const double* v;
  double* tv;
  Action* policy;
  double threshold;
  kernels::ResidualRange residual = {};
  State n_changed = 0;
  State state = 0;
  double best = infinity;
  double incumbent = infinity;
  Action best_action = 0;

  void start(State s) {
    state = s;
    best = incumbent = infinity;
    best_action = 0;
  }
  void row(Action action, Offset, double q) {
    if (action == policy[state]) incumbent = q;
    if (q < best) {
      best = q;
      best_action = action;
    }
  }
  void finish(State s) {
    tv[s] = best;
    if (!(best < infinity && v[s] < infinity)) return;
    residual.min = std::min(residual.min, best - v[s]);
    residual.max = std::max(residual.max, best - v[s]);
    if (!(incumbent - best > threshold)) return;
    policy[s] = best_action;
    ++n_changed;
  }
};

struct Improvement {
  kernels::ResidualRange residual = {};
  State n_changed = 0;
};

Improvement improve_policy(const Mdp& mdp, Iterate& it, double threshold, int threads) {
  return kernels::reduce_states(
      mdp.blocks(), threads, Improvement{},
      [&](State first, State last) {
        ImprovePolicy visitor{it.v.data(), it.tv.data(), it.policy.data(), threshold};
        kernels::visit_rows(mdp, it.v, first, last, visitor);
        return Improvement{visitor.residual, visitor.n_changed};
      },
      [](const Improvement& a, const Improvement& b) {
        return Improvement{{std::min(a.residual.min, b.residual.min), std::max(a.residual.max, b.residual.max)},
                           a.n_changed + b.n_changed};
      });
}

}  // namespace

void Howard::factorise(const Mdp& mdp, const Policy& policy, const Run& run) {
  if (factorised_ == policy) return;
  if (chain_)
    chain_->assign(mdp, policy, run.threads());
  else
    chain_.emplace(mdp, policy, run.threads());
  lu_ = SparseLu::within(*chain_, mdp.exact_discount(), options_.max_flops, options_.max_bytes);
  factorised_ = policy;
}

// x <- (I - gamma P_pi)^-1 x, to the digits that one correction can use.
void Howard::apply_inverse(const Mdp& mdp, std::vector<double>& x, const Run& run) const {
  if (lu_) return lu_->solve(x);
  constexpr double reduction = 1e-8;
  const std::vector<double> right_side(x);
  std::fill(x.begin(), x.end(), 0.0);
  KrylovOptions options;
  options.tolerance = reduction * kernels::max_norm(chain_->blocks(), right_side, run.threads());
  options.threads = run.threads();
  options.keep_going = run.while_time_is_left();
  improve_solution(chain_->rows(), mdp.discount(), right_side, x, options);
}

// V such that T_pi V - V is a constant but for rounding: corrections (I - gamma P_pi)^-1 of the residual, up to
// constants, until the span of the residual stops shrinking. Returns bounds on V^pi - V (C1 for pi).
Interval Howard::evaluate(const Mdp& mdp, Iterate& it, const Run& run) {
  factorise(mdp, it.policy, run);
  std::vector<double> tv(it.v.size());
  std::vector<double> kept;
  kernels::ResidualRange kept_residual;
  double span = infinity;
  for (;;) {
    // Costs are those of this MDP: the chain may have been packed from another with the same transitions.
    chain_->multiply(it.v, tv, run.threads());
    kernels::ResidualRange residual;
    for (State s = 0; s < mdp.n_states(); ++s) {
      if (!(it.v[s] < infinity)) continue;
      const double cost = mdp.cost()[selected_row(mdp, it.policy, s)];
      tv[s] = (mdp.discount() == 0.0 ? cost : cost + mdp.discount() * tv[s]) - it.v[s];
      residual = {std::min(residual.min, tv[s]), std::max(residual.max, tv[s])};
    }
    if (!(residual.max - residual.min < 0.5 * span)) break;
    span = residual.max - residual.min;
    kept = it.v;
    kept_residual = residual;
    const double middle = 0.5 * residual.min + 0.5 * residual.max;
    for (std::size_t s = 0; s < tv.size(); ++s) tv[s] = it.v[s] < infinity ? tv[s] - middle : 0.0;
    apply_inverse(mdp, tv, run);
    for (std::size_t s = 0; s < tv.size(); ++s) it.v[s] += tv[s];
    it.size = centre(mdp, it.v, run.threads());
  }
  if (kept.empty()) return {};
  it.v = std::move(kept);
  it.size = centre(mdp, it.v, run.threads());
  const double error = bounds::sweep_error(mdp, it.size);
  return bounds::value_increment_around_v(bounds::residual_enclosure(kept_residual.min, kept_residual.max, error),
                                          mdp.exact_discount());
}

std::string Howard::name() const {
  return options_.sweeps_between > 0.0 ? "modified policy iteration with policy iteration (sparse LU)"
                                       : "policy iteration (sparse LU)";
}

// Outcome::stalled means: go on.
Outcome Howard::sweep(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal, double work) {
  constexpr int rounds_with_sweeps = 30;  // afterwards plain policy iteration, whose end is proved
  if (work == 0.0 || ++rounds_ > rounds_with_sweeps) return Outcome::stalled;
  return ModifiedPolicyIteration(Evaluation::sweeps, {work}).improve(mdp, it, run, goal);
}

Outcome Howard::improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) {
  if (rounds_ == 0) {
    const Outcome before = sweep(mdp, it, run, goal, options_.sweeps_between);
    if (before != Outcome::stalled) return before;
  }
  if (it.policy.empty()) {
    if (!run.may_sweep()) return Outcome::stopped;
    it.policy.resize(it.v.size());
    it.residual = kernels::bellman_sweep(mdp, it.v, it.tv, it.policy, run.threads());
    run.count_traffic(mdp.n_transitions(), mdp.n_rows());
    run.count_sweep(it.residual, goal.shown(goal.half_width(mdp, it)), goal.increment(mdp, it));
  }
  for (;;) {
    if (!run.may_sweep()) return Outcome::stopped;
    const Interval around = evaluate(mdp, it, run);
    run.count_iteration();
    // Q^pi(s,a) - Q^pi(s,pi) is known to this from q: the errors of two q, and of V up to a constant.
    const double error = bounds::sweep_error(mdp, it.size);
    const double threshold = 2.0 * error + mdp.discount() * (around.upper - around.lower) * (1.0 + 4.0 * unit_roundoff);
    const Improvement improvement = improve_policy(mdp, it, threshold, run.threads());
    it.residual = improvement.residual;
    const double half_width = goal.half_width(mdp, it);
    it.residual.n_changed = improvement.n_changed;
    run.count_traffic(mdp.n_transitions(), mdp.n_rows());
    run.count_sweep(it.residual, goal.shown(half_width), goal.increment(mdp, it));
    settled_ = improvement.n_changed == 0;
    if (goal.reached(mdp, it, half_width)) return Outcome::accurate;
    if (settled_) return Outcome::stalled;
    const Outcome between = sweep(mdp, it, run, goal, 0.25 * options_.sweeps_between);
    if (between != Outcome::stalled) return between;
  }
}

}  // namespace mdp::solvers
