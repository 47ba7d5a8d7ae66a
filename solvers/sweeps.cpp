#include "solvers/sweeps.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "solvers/centre.hpp"
#include "solvers/krylov.hpp"
#include "solvers/sweep_loop.hpp"

namespace mdp::solvers {
namespace {

// Packing the rows of all states costs about a sweep over all rows; that of some, more than their part.
constexpr double sweeps_to_pack = 8.0;

// Entries that a sweep of the chain reads, and one over all rows.
double chain_size(const kernels::PolicyChain& chain) {
  return static_cast<double>(chain.n_transitions() + 2 * Offset{chain.n_states()});
}
double size_of(const Mdp& mdp) { return static_cast<double>(mdp.n_transitions() + mdp.n_rows()); }

// V <- TV. Centring reads and writes V: every few sweeps is enough to keep its size near half its spread.
void take_tv(const Mdp& mdp, Iterate& it, const Run& run, int& since_centring) {
  constexpr int sweeps_per_centring = 8;
  std::swap(it.v, it.tv);
  const double moved = std::max(std::abs(it.residual.min), std::abs(it.residual.max)) * (1.0 + 4.0 * unit_roundoff);
  it.size = bounds::round_up(it.size + moved);
  if (++since_centring < sweeps_per_centring) return;
  since_centring = 0;
  it.size = centre(mdp, it.v, run.threads());
}

}  // namespace

Outcome ValueIteration::improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) {
  int since_centring = 0;
  return sweep_until(mdp, it, run, goal, [&](Iterate& iterate) {
    take_tv(mdp, iterate, run, since_centring);
    return true;
  });
}

Outcome ModifiedPolicyIteration::improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) {
  // Rates are poor until values have spread as far as they have to: so many iterations may promise too much work, one after
  // another, and this part of it is done in any case.
  constexpr int patience = 8;
  constexpr double least = 0.05;
  constexpr double nearly = 0.25;  // of the work done: with no more to go, no other method gets there sooner
  return sweep_until(mdp, it, run, goal, [&](Iterate& iterate) {
    const double to_go = std::log(std::max(2.0, goal.half_width(mdp, iterate) / goal.aim(mdp, iterate)));
    const auto plan = make_plan(mdp, iterate, to_go);
    const double left = plan.work * size_of(mdp);
    n_dear_ = left > limits_.expected ? n_dear_ + 1 : 0;
    exhausted_ =
        (work_ > limits_.work && left > nearly * work_) || (n_dear_ > patience && work_ > least * limits_.expected);
    if (exhausted_) return false;
    advance(mdp, iterate, run, plan.left);
    return true;
  });
}

void ModifiedPolicyIteration::begin_turn(double most, Grant) {
  const double done = work_;
  *this = ModifiedPolicyIteration(evaluation_, {done + most, infinity});
  work_ = done;
}

EvaluationEffort::Choice ModifiedPolicyIteration::make_plan(const Mdp& mdp, const Iterate& it, double to_go) {
  const auto n = static_cast<double>(it.v.size());
  const double per_row = n / static_cast<double>(mdp.n_rows());
  const double chain = chain_ ? chain_size(*chain_) : per_row * static_cast<double>(mdp.n_transitions()) + 2.0 * n;
  n_unpacked_ = std::min(n, n_unpacked_ + static_cast<double>(chain_ ? it.residual.n_changed : mdp.n_states()));
  effort_.observe(span_of(it.residual));
  return effort_.choose(to_go, {chain / size_of(mdp), std::min(1.0, sweeps_to_pack * n_unpacked_ / n)});
}

void ModifiedPolicyIteration::advance(const Mdp& mdp, Iterate& it, Run& run, double left) {
  work_ += size_of(mdp);
  if (left < 1.0 || evaluation_ == Evaluation::krylov)
    evaluate(mdp, it, run, left);
  else
    take_tv(mdp, it, run, since_centring_);
}

void ModifiedPolicyIteration::evaluate(const Mdp& mdp, Iterate& it, Run& run, double reduction) {
  if (chain_)
    chain_->assign(mdp, it.policy, run.threads());
  else
    chain_.emplace(mdp, it.policy, run.threads());
  n_unpacked_ = 0.0;
  run.count_iteration();
  used_krylov_ = prefers_krylov(it);
  previous_span_ = span_of(it.residual);
  ++evaluations_;
  if (used_krylov_)
    solve_chain(mdp, it, run);
  else
    sweep_chain(mdp, it, run, reduction);
  it.size = centre(mdp, it.v, run.threads());
  since_centring_ = 0;
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
  if (!sweeps_are_slow_ || evaluations_ == 0) return false;
  constexpr State settled = 1000;
  return it.residual.n_changed <= static_cast<State>(it.policy.size()) / settled;
}

// Sweeps of the chain until the span of its residual has shrunk to a part, or the traffic of a few sweeps over all rows
// is spent.
void ModifiedPolicyIteration::sweep_chain(const Mdp& mdp, Iterate& it, Run& run, double reduction) {
  constexpr double full_sweeps_of_work = 5.0;
  const double cost_ratio = size_of(mdp) / chain_size(*chain_);
  const auto most = std::clamp<std::int64_t>(std::llround(full_sweeps_of_work * cost_ratio), 1, 1000);
  const double enough = reduction * span_of(it.residual);
  std::vector<double> spans;
  std::swap(it.v, it.tv);
  sweeps_are_slow_ = true;
  while (static_cast<std::int64_t>(spans.size()) < most) {
    work_ += chain_size(*chain_);
    run.count_traffic(chain_->n_transitions(), chain_->n_states());
    spans.push_back(span_of(chain_->sweep(mdp.discount(), it.v, it.tv, run.threads())));
    std::swap(it.v, it.tv);
    sweeps_are_slow_ = spans.back() > enough;
    if (!sweeps_are_slow_ || run.out_of_time()) break;
  }
  effort_.learn(spans);
}

// V <- V + e, (I - gamma P_pi) e = TV - V up to constants, to a part of the residual.
void ModifiedPolicyIteration::solve_chain(const Mdp& mdp, Iterate& it, Run& run) {
  constexpr double reduction = 0.01;
  const double per_product = krylov_.plain ? sweeps_per_plain_product : sweeps_per_product;
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
    options.max_products = 2 + std::llround(part_of_work * work_ / (per_product * chain_size(*chain_)));
  }
  options.threads = run.threads();
  options.keep_going = run.while_time_is_left();
  options.experience = &krylov_;
  const auto solved = improve_solution(chain_->rows(), mdp.discount(), residual, step, options);
  run.count_traffic(2 * solved.products * chain_->n_transitions(), 2 * solved.products * chain_->n_states());
  work_ += per_product * static_cast<double>(solved.products) * chain_size(*chain_);
  effort_.learn_reached(previous_span_ > 0.0 ? 2.0 * solved.residual / previous_span_ : 0.0);
  kernels::for_states(mdp.blocks(), run.threads(), [&](State first, State last) {
    for (State s = first; s < last; ++s) it.v[s] += step[s];
  });
}

}  // namespace mdp::solvers
