#include "solvers/sweeps.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "solvers/centre.hpp"
#include "solvers/krylov.hpp"
#include "solvers/sweep_loop.hpp"

namespace mdp::solvers {
namespace {

// Entries that a sweep of the chain reads.
double chain_size(const kernels::PolicyChain& chain) {
  return static_cast<double>(chain.n_transitions() + 2 * Offset{chain.n_states()});
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
    if (++since_centring < sweeps_per_centring) return true;
    since_centring = 0;
    iterate.size = centre(mdp, iterate.v, run.threads());
    return true;
  });
}

Outcome ModifiedPolicyIteration::improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) {
  return sweep_until(mdp, it, run, goal, [&](Iterate& iterate) {
    if (work_ > max_work_) return false;
    evaluate(mdp, iterate, run);
    return true;
  });
}

void ModifiedPolicyIteration::evaluate(const Mdp& mdp, Iterate& it, Run& run) {
  if (chain_)
    chain_->assign(mdp, it.policy, run.threads());
  else
    chain_.emplace(mdp, it.policy, run.threads());
  run.count_iteration();
  used_krylov_ = prefers_krylov(it);
  previous_span_ = span_of(it.residual);
  previous_ = it.policy;
  work_ += static_cast<double>(mdp.n_transitions() + mdp.n_rows());
  if (used_krylov_)
    solve_chain(mdp, it, run);
  else
    sweep_chain(mdp, it, run);
  it.size = centre(mdp, it.v, run.threads());
}

// BiCGSTAB pays where sweeps are slow and the policy has nearly settled (earlier, V^pi is not worth the work). A trial
// may take a part of the work done so far; where it does not halve the residual, the next one waits for twice as many
// evaluations.
bool ModifiedPolicyIteration::prefers_krylov(const Iterate& it) {
  if (evaluation_ == Evaluation::krylov) return true;
  if (used_krylov_ && !(span_of(it.residual) <= 0.5 * previous_span_)) {
    krylov_pause_ = krylov_penalty_;
    krylov_penalty_ = std::min(2 * krylov_penalty_, 1024);
  }
  if (krylov_pause_ > 0) {
    --krylov_pause_;
    return false;
  }
  if (!sweeps_are_slow_ || previous_.size() != it.policy.size()) return false;
  std::size_t n_changed = 0;
  for (std::size_t s = 0; s < previous_.size(); ++s) n_changed += previous_[s] != it.policy[s] ? 1 : 0;
  constexpr std::size_t settled = 1000;
  return n_changed <= previous_.size() / settled;
}

// Sweeps of the chain until the span of its residual has shrunk by a factor, or the traffic of a few sweeps over
// all rows is spent.
void ModifiedPolicyIteration::sweep_chain(const Mdp& mdp, Iterate& it, Run& run) {
  constexpr double reduction = 0.02;
  constexpr double full_sweeps_of_work = 5.0;
  const double cost_ratio = static_cast<double>(mdp.n_transitions() + mdp.n_rows()) / chain_size(*chain_);
  const auto most = std::clamp<std::int64_t>(std::llround(full_sweeps_of_work * cost_ratio), 1, 1000);
  const double enough = reduction * span_of(it.residual);
  std::swap(it.v, it.tv);
  sweeps_are_slow_ = true;
  for (std::int64_t k = 0; k < most; ++k) {
    work_ += chain_size(*chain_);
    run.count_traffic(chain_->n_transitions(), chain_->n_states());
    const auto residual = chain_->sweep(mdp.discount(), it.v, it.tv, run.threads());
    std::swap(it.v, it.tv);
    sweeps_are_slow_ = span_of(residual) > enough;
    if (!sweeps_are_slow_ || run.out_of_time()) break;
  }
}

// V <- V + e, (I - gamma P_pi) e = TV - V up to constants, to a part of the residual.
void ModifiedPolicyIteration::solve_chain(const Mdp& mdp, Iterate& it, Run& run) {
  constexpr double reduction = 0.01;
  constexpr double sweeps_per_product = 4.0;  // with the preconditioner and the vectors
  const double middle = 0.5 * it.residual.min + 0.5 * it.residual.max;
  std::vector<double> residual(it.v.size());
  std::vector<double> step(it.v.size(), 0.0);
  kernels::for_states(mdp.blocks(), run.threads(), [&](State first, State last) {
    for (State s = first; s < last; ++s) residual[s] = it.v[s] < infinity ? it.tv[s] - it.v[s] - middle : 0.0;
  });
  KrylovOptions options;
  options.tolerance = reduction * 0.5 * span_of(it.residual);
  if (evaluation_ == Evaluation::sweeps) {
    constexpr double part_of_work = 0.25;
    options.max_products = 2 + std::llround(part_of_work * work_ / (sweeps_per_product * chain_size(*chain_)));
  }
  options.threads = run.threads();
  options.keep_going = [&run] { return !run.out_of_time(); };
  const auto solved = improve_solution(chain_->rows(), mdp.discount(), residual, step, options);
  run.count_traffic(2 * solved.products * chain_->n_transitions(), 2 * solved.products * chain_->n_states());
  work_ += sweeps_per_product * static_cast<double>(solved.products) * chain_size(*chain_);
  kernels::for_states(mdp.blocks(), run.threads(), [&](State first, State last) {
    for (State s = first; s < last; ++s) it.v[s] += step[s];
  });
}

}  // namespace mdp::solvers
