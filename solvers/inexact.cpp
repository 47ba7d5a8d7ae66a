#include "solvers/inexact.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/kernels/policy_chain.hpp"
#include "libmdp/kernels/shifted_gauss_seidel.hpp"
#include "solvers/backward_start.hpp"
#include "solvers/centre.hpp"
#include "solvers/sweep_loop.hpp"
#include "solvers/sweeps.hpp"

namespace mdp::solvers {
namespace {

constexpr State few = 1000;                 // a policy that changes in fewer of so many states has settled
constexpr int patience = 12;                // iterations that may pass without halving the residual
constexpr int rounds_with_order = 4;        // after which the values keep nearly the same order
constexpr double sequential = 3.0;          // sweeps in place and triangular solves take so much longer for an entry
constexpr std::int64_t many_products = 12;  // with old factors, after which new ones pay

double size_of(const Mdp& mdp) { return static_cast<double>(mdp.n_transitions() + mdp.n_rows()); }

}  // namespace

std::string InexactPolicyIteration::name() const {
  if (options_.sparse_lu) return "inexact policy iteration (BiCGSTAB, sparse LU)";
  return options_.krylov == KrylovMethod::gmres ? "inexact policy iteration (GMRES, incomplete LU)"
                                                : "inexact policy iteration (BiCGSTAB, incomplete LU)";
}

Outcome InexactPolicyIteration::improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) {
  shift_.reset();
  if (!begun_ && it.offset) shift_ = mdp.exact_discount().complement.value() * *std::exchange(it.offset, {});
  if (!begun_ && options_.backward_start && run.flat_start() && start_backward(mdp, it)) {
    shift_ = 0.0;
    recentre(mdp, it, run);
    work_ += 4.0 * size_of(mdp);
  }
  begun_ = true;
  gave_up_ = false;
  reference_ = best_span_ = infinity;
  idle_ = 0;
  for (;;) {
    bool idle = false;
    const Outcome outcome = sweep_until(mdp, it, run, goal, [&](Iterate& iterate) {
      idle = !progresses(iterate);
      gave_up_ = turn_over(mdp, iterate, goal);
      return !idle && !gave_up_ && advance(mdp, iterate, run);
    });
    if (!idle || gave_up_) return outcome;
    ModifiedPolicyIteration safe(Evaluation::sweeps, {std::max(work_, 10.0 * size_of(mdp))});
    const Outcome after = safe.improve(mdp, it, run, goal);
    if (after != Outcome::stalled || !safe.gave_up()) return after;
    shift_.reset();
    reference_ = infinity;
    idle_ = 0;
  }
}

// Keeps the best V; back to it where the residual does not shrink.
bool InexactPolicyIteration::progresses(Iterate& it) {
  const double span = span_of(it.residual);
  if (span < best_span_) {
    best_span_ = span;
    best_ = it.v;
  }
  if (span <= 0.5 * reference_) {
    reference_ = span;
    idle_ = 0;
  }
  if (++idle_ <= patience) return true;
  it.v = best_;
  return false;
}

// Values up to a constant: what centring takes off V, the residual of its fixed point gets (1 - gamma) times.
void InexactPolicyIteration::recentre(const Mdp& mdp, Iterate& it, const Run& run) {
  const Centred centred = centre_values(mdp, it.v, run.threads());
  it.size = centred.size;
  if (shift_) *shift_ += mdp.exact_discount().complement.value() * centred.subtracted;
}

bool InexactPolicyIteration::advance(const Mdp& mdp, Iterate& it, Run& run) {
  if (!shift_) shift_ = middle_of(it.residual);
  refresh_order(mdp, it, run);
  const double balanced = 0.5 * evaluation_work_ / size_of(mdp);
  const int n_sweeps = static_cast<int>(std::clamp(balanced, 2.0, 4.0));
  settled_ = false;
  for (int k = 0; k < n_sweeps && !settled_ && run.may_sweep(); ++k) {
    const auto change = kernels::shifted_gauss_seidel_sweep(mdp, *shift_, order_, it.v, it.policy);
    run.count_traffic(mdp.n_transitions(), mdp.n_rows());
    run.count_pass(change.n_changed);
    work_ += sequential * size_of(mdp);
    settled_ = change.n_changed <= mdp.n_states() / few;
  }
  run.count_iteration();
  factorise(mdp, it, run);
  solve_policy(mdp, it, run);
  recentre(mdp, it, run);
  ++rounds_;
  return true;
}

void InexactPolicyIteration::refresh_order(const Mdp& mdp, const Iterate& it, const Run& run) {
  if (!order_.empty() && rounds_ >= rounds_with_order && idle_ < patience / 2) return;
  std::vector<State> order = kernels::order_by_value(it.v);
  if (order == order_) return;
  order_ = std::move(order);
  chain_.reset();
  chain_.emplace(mdp, it.policy, order_, run.threads());
  factorised_.clear();
}

// New factors for the policy; sparse LU of an earlier one is kept for as long as it serves.
void InexactPolicyIteration::factorise(const Mdp& mdp, const Iterate& it, const Run& run) {
  if (it.policy == factorised_) return;
  chain_->assign(mdp, it.policy, run.threads());
  if (options_.sparse_lu && lu_) return;
  if (options_.sparse_lu) factorise_sparsely(mdp, it, run);
  if (!lu_) {
    const std::vector<double> row_sum(it.v.size(), mdp.exact_discount().complement.value());
    incomplete_.factorise(chain_->rows(), mdp.discount(), row_sum);
    work_ += sequential * static_cast<double>(chain_->n_transitions());
  }
  factorised_ = it.policy;
}

void InexactPolicyIteration::factorise_sparsely(const Mdp& mdp, const Iterate& it, const Run& run) {
  const kernels::PolicyChain chain(mdp, it.policy, run.threads());
  lu_.reset();
  lu_ = SparseLu::within(chain, mdp.exact_discount(), options_.max_flops, options_.max_bytes);
  factorised_ = it.policy;
  if (!lu_) return;
  evaluation_work_ = lu_->work().flops + 8.0 * lu_->work().entries;
  work_ += evaluation_work_;
}

void InexactPolicyIteration::precondition(std::span<const double> r, std::span<double> z) {
  if (!lu_) return incomplete_.solve(r, z);
  scattered_.resize(r.size());
  for (std::size_t i = 0; i < r.size(); ++i) scattered_[order_[i]] = r[i];
  lu_->solve(scattered_);
  for (std::size_t i = 0; i < r.size(); ++i) z[i] = scattered_[order_[i]];
}

// V <- V + e, (I - gamma P_pi) e = T_pi V - V - shift, shift the middle of T_pi V - V.
void InexactPolicyIteration::solve_policy(const Mdp& mdp, Iterate& it, Run& run) {
  const auto n = it.v.size();
  const auto rows = chain_->rows();
  std::vector<double> v(n);
  std::vector<double> residual(n);
  std::vector<double> step(n, 0.0);
  kernels::for_states(rows.blocks, run.threads(), [&](State first, State last) {
    for (State i = first; i < last; ++i) v[i] = it.v[order_[i]] < infinity ? it.v[order_[i]] : 0.0;
  });
  kernels::apply_system(rows, mdp.discount(), v, residual, run.threads());
  kernels::ResidualRange range;
  for (std::size_t i = 0; i < n; ++i) {
    const State s = order_[i];
    if (!(it.v[s] < infinity)) continue;
    residual[i] = mdp.cost()[selected_row(mdp, it.policy, s)] - residual[i];
    range = {std::min(range.min, residual[i]), std::max(range.max, residual[i])};
  }
  const double middle = middle_of(range);
  for (std::size_t i = 0; i < n; ++i) residual[i] = it.v[order_[i]] < infinity ? residual[i] - middle : 0.0;
  const double forcing = settled_ ? options_.forcing_settled : options_.forcing;
  const double tolerance = 0.5 * forcing * std::min(span_of(range), span_of(it.residual));
  const double before = 0.5 * span_of(range);
  double after = krylov_step(mdp, residual, step, tolerance, run);
  if (lu_ && after > tolerance && factorised_ != it.policy && !run.out_of_time()) {
    factorise_sparsely(mdp, it, run);
    after = krylov_step(mdp, residual, step, tolerance, run);
  }
  if (!(after <= 0.5 * before)) return;
  shift_ = middle;
  for (std::size_t i = 0; i < n; ++i) it.v[order_[i]] += step[i];
}

// Solves (I - gamma P_pi) e = residual to the tolerance; with old factors only if they do it in a few products.
double InexactPolicyIteration::krylov_step(const Mdp& mdp, std::span<const double> residual, std::span<double> step,
                                           double tolerance, Run& run) {
  KrylovOptions options;
  options.method = options_.krylov;
  options.tolerance = tolerance;
  const double per_product = 4.0 * static_cast<double>(chain_->n_transitions() + 2 * Offset{mdp.n_states()});
  const double in_turn = left_in_turn() / (sequential * per_product);
  options.max_products = lu_ ? many_products : std::llround(std::clamp(in_turn, 8.0, 400.0));
  options.threads = run.threads();
  options.keep_going = run.while_time_is_left();
  options.precondition = [this](std::span<const double> r, std::span<double> z) { precondition(r, z); };
  KrylovResult solved = improve_solution(chain_->rows(), mdp.discount(), residual, step, options);
  if (!lu_) evaluation_work_ = per_product * static_cast<double>(solved.products);
  work_ += (lu_ ? 1.0 : sequential) * per_product * static_cast<double>(solved.products);
  run.count_traffic(2 * solved.products * chain_->n_transitions(), 2 * solved.products * mdp.n_states());
  return solved.residual;
}

}  // namespace mdp::solvers
