#include "solvers/direct_iteration.hpp"

#include <algorithm>
#include <utility>

#include "libmdp/kernels/parallel.hpp"
#include "libmdp/kernels/shifted_gauss_seidel.hpp"
#include "libmdp/policy.hpp"
#include "solvers/backward_start.hpp"
#include "solvers/centre.hpp"
#include "solvers/sweep_loop.hpp"

namespace mdp::solvers {

DirectPolicyIteration::DirectPolicyIteration(std::vector<State> order, const Limits& limits)
    : limits_(limits), lu_(std::move(order)), backwards_(lu_.order().rbegin(), lu_.order().rend()) {}

Outcome DirectPolicyIteration::improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) {
  may_search_ = !std::exchange(begun_, true) && run.flat_start();
  it.offset.reset();
  forget_progress();
  return sweep_until(mdp, it, run, goal, [&](Iterate& iterate) {
    gave_up_ = !progresses(mdp, iterate) || !advance(mdp, iterate, run);
    if (gave_up_ && evaluated_) iterate.offset = shift_ / mdp.exact_discount().complement.value();
    return !gave_up_;
  });
}

void DirectPolicyIteration::forget_progress() {
  reference_ = infinity;
  idle_ = 0;
  evaluated_ = false;
}

// Whether to go on: the residual halves now and then, or there is another policy to start from.
bool DirectPolicyIteration::progresses(const Mdp& mdp, Iterate& it) {
  constexpr int patience_to_search = 5;  // iterations that may pass without halving the residual
  constexpr int patience = 30;
  const double span = span_of(it.residual);
  if (span <= 0.5 * reference_) {
    reference_ = span;
    idle_ = 0;
  }
  ++idle_;
  if (idle_ > patience_to_search && std::exchange(may_search_, false) && start_backward(mdp, it)) forget_progress();
  return idle_ <= patience;
}

bool DirectPolicyIteration::advance(const Mdp& mdp, Iterate& it, Run& run) {
  if (evaluated_) sweep_in_place(mdp, it, run);
  if (!factorise(mdp, it.policy, run)) return false;
  run.count_iteration();
  correct(mdp, it, run);
  evaluated_ = true;
  return true;
}

// Towards higher values first, which most news go to, and back.
void DirectPolicyIteration::sweep_in_place(const Mdp& mdp, Iterate& it, Run& run) const {
  const auto order = lu_.order();
  std::int64_t ascents = 0;
  for (std::size_t i = 1; i < order.size(); ++i) {
    ascents += (it.v[order[i]] > it.v[order[i - 1]] ? 1 : 0) - (it.v[order[i]] < it.v[order[i - 1]] ? 1 : 0);
  }
  for (const bool forwards : {ascents >= 0, ascents < 0}) {
    if (!run.may_sweep()) return;
    const auto change = kernels::shifted_gauss_seidel_sweep(
        mdp, shift_, forwards ? order : std::span<const State>(backwards_), it.v, it.policy);
    run.count_traffic(mdp.n_transitions(), mdp.n_rows());
    run.count_pass(change.n_changed);
  }
}

bool DirectPolicyIteration::factorise(const Mdp& mdp, const Policy& policy, const Run& run) {
  if (policy == factorised_) return true;
  if (chain_)
    chain_->assign(mdp, policy, run.threads());
  else
    chain_.emplace(mdp, policy, run.threads());
  factorised_.clear();
  const auto work = lu_.plan(chain_->rows(), run.threads());
  if (work.flops > limits_.flops || work.bytes() > limits_.bytes) return false;
  const std::vector<double> row_sum(policy.size(), mdp.exact_discount().complement.value());
  lu_.factorise(chain_->rows(), mdp.discount(), row_sum, run.threads());
  factorised_ = policy;
  return true;
}

// V <- V + e, (I - gamma P_pi) e = T_pi V - V - shift, shift the middle of T_pi V - V.
void DirectPolicyIteration::correct(const Mdp& mdp, Iterate& it, const Run& run) {
  std::vector<double>& e = it.tv;
  chain_->multiply(it.v, e, run.threads());
  const auto range = kernels::reduce_states(
      mdp.blocks(), run.threads(), kernels::ResidualRange{},
      [&](State first, State last) {
        kernels::ResidualRange part;
        for (State s = first; s < last; ++s) {
          if (!(it.v[s] < infinity)) continue;
          const double cost = mdp.cost()[selected_row(mdp, it.policy, s)];
          e[s] = (mdp.discount() == 0.0 ? cost : cost + mdp.discount() * e[s]) - it.v[s];
          part = {std::min(part.min, e[s]), std::max(part.max, e[s])};
        }
        return part;
      },
      [](const kernels::ResidualRange& x, const kernels::ResidualRange& y) {
        return kernels::ResidualRange{std::min(x.min, y.min), std::max(x.max, y.max)};
      });
  shift_ = middle_of(range);
  kernels::for_states(mdp.blocks(), run.threads(), [&](State first, State last) {
    for (State s = first; s < last; ++s) e[s] = it.v[s] < infinity ? e[s] - shift_ : 0.0;
  });
  lu_.solve(e, run.threads());
  kernels::for_states(mdp.blocks(), run.threads(), [&](State first, State last) {
    for (State s = first; s < last; ++s) it.v[s] += e[s];
  });
  const Centred centred = centre_values(mdp, it.v, run.threads());
  it.size = centred.size;
  shift_ += mdp.exact_discount().complement.value() * centred.subtracted;
}

}  // namespace mdp::solvers
