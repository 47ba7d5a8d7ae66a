#include "solvers/shifted_sweeps.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <queue>
#include <utility>

#include "libmdp/graph/components.hpp"
#include "libmdp/kernels/backward_search.hpp"
#include "libmdp/kernels/permuted_chain.hpp"
#include "libmdp/kernels/shifted_gauss_seidel.hpp"
#include "solvers/centre.hpp"
#include "solvers/sweep_loop.hpp"

namespace mdp::solvers {
namespace {

double largest_of(const kernels::ResidualRange& range, double shift) {
  return range.min <= range.max ? std::max(std::abs(range.min - shift), std::abs(range.max - shift)) : 0.0;
}

}  // namespace

Outcome ShiftedSweeps::improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) {
  double shift = 0.0;
  double bound = infinity;  // proved on (1 - gamma) ||U - V*||, and contracted since
  return sweep_until(mdp, it, run, goal, [&](Iterate& iterate) {
    bound = std::min(bound, largest_of(iterate.residual, shift));
    const double middle = middle_of(iterate.residual);
    if (largest_of(iterate.residual, middle) <= bound) {
      shift = middle;
      bound = largest_of(iterate.residual, middle);
    }
    pass(mdp, shift, iterate, run);
    bound *= mdp.discount();
    const Centred centred = centre_values(mdp, iterate.v, run.threads());
    iterate.size = centred.size;
    shift += mdp.exact_discount().complement.value() * centred.subtracted;
    return true;
  });
}

void GaussSeidel::pass(const Mdp& mdp, double shift, Iterate& it, Run& run) {
  constexpr int sweeps = 4;
  if (passes_ == 0 && run.flat_start() && kernels::has_absorbing_state(mdp)) {
    order_ = kernels::order_by_value(kernels::search_backward(mdp).value);
    ordered_backward_ = true;
  } else if (!ordered_backward_ && (passes_ & (passes_ - 1)) == 0) {  // the 0th, 1st, 2nd, 4th, 8th, ...
    order_ = kernels::order_by_value(it.v);
  }
  ++passes_;
  for (int k = 0; k < sweeps && run.may_sweep(); ++k) {
    const auto change = kernels::shifted_gauss_seidel_sweep(mdp, shift, order_, it.v, it.policy);
    run.count_traffic(mdp.n_transitions(), mdp.n_rows());
    run.count_pass(change.n_changed);
  }
}

void PrioritizedSweeping::pass(const Mdp& mdp, double shift, Iterate& it, Run& run) {
  constexpr double sweeps = 2.0;      // updates of a pass, in states of the MDP
  constexpr double smallest = 0.1;    // of the largest change expected
  constexpr double selective = 0.25;  // part of the states beyond which there is nothing to choose
  if (!predecessors_) predecessors_ = std::make_unique<kernels::Predecessors>(mdp);
  const auto n = it.v.size();
  std::vector<double> priority(n, 0.0);
  std::priority_queue<std::pair<double, State>> queue;
  double largest = 0.0;
  for (std::size_t s = 0; s < n; ++s) {
    if (!(it.v[s] < infinity)) continue;
    const double change = it.tv[s] - shift - it.v[s];
    it.v[s] += change;  // the sweep just done is not wasted
    for (const auto& [row, p] : predecessors_->of(static_cast<State>(s))) {
      double& before = priority[predecessors_->owner(row)];
      before = std::max(before, mdp.discount() * static_cast<double>(p) * std::abs(change));
    }
  }
  for (std::size_t s = 0; s < n; ++s) {
    largest = std::max(largest, priority[s]);
  }
  for (std::size_t s = 0; s < n; ++s) {
    if (priority[s] > smallest * largest) queue.emplace(priority[s], static_cast<State>(s));
  }
  run.count_traffic(mdp.n_transitions(), mdp.n_rows());
  if (static_cast<double>(queue.size()) > selective * static_cast<double>(n)) return;
  auto left = static_cast<std::int64_t>(sweeps * static_cast<double>(n));
  while (!queue.empty() && queue.top().first > smallest * largest && left > 0) {
    const auto [known, s] = queue.top();
    queue.pop();
    if (known != priority[s] || !(it.v[s] < infinity)) continue;
    --left;
    priority[s] = 0.0;
    const auto change = kernels::shifted_gauss_seidel_sweep(mdp, shift, {&s, 1}, it.v, it.policy);
    const double moved = largest_of(change, 0.0);
    for (const auto& [row, p] : predecessors_->of(s)) {
      const State from = predecessors_->owner(row);
      const double expected = mdp.discount() * static_cast<double>(p) * moved;
      if (!(expected > priority[from])) continue;
      priority[from] = expected;
      queue.emplace(expected, from);
    }
  }
}

void TopologicalSweeps::pass(const Mdp& mdp, double shift, Iterate& it, Run& run) {
  constexpr int most_sweeps = 64;  // of a component in one pass
  if (order_.empty()) {
    const auto components = graph::strongly_connected_components(mdp);
    order_.resize(it.v.size());
    std::iota(order_.begin(), order_.end(), 0);
    std::stable_sort(order_.begin(), order_.end(),
                     [&](State a, State b) { return components.of_state[a] < components.of_state[b]; });
    for (std::size_t i = 0; i < order_.size(); ++i) {
      if (i == 0 || components.of_state[order_[i]] != components.of_state[order_[i - 1]]) begin_.push_back(i);
    }
    begin_.push_back(order_.size());
  }
  const double enough = reduction_ * largest_of(it.residual, middle_of(it.residual));
  for (std::size_t c = 0; c + 1 < begin_.size() && !run.out_of_time(); ++c) {
    const std::span<const State> states(order_.data() + begin_[c], begin_[c + 1] - begin_[c]);
    for (int k = 0; k < most_sweeps; ++k) {
      const auto change = kernels::shifted_gauss_seidel_sweep(mdp, shift, states, it.v, it.policy);
      if (largest_of(change, 0.0) <= enough) break;
      if (run.out_of_time()) break;
    }
  }
  run.count_traffic(mdp.n_transitions(), mdp.n_rows());
}

}  // namespace mdp::solvers
