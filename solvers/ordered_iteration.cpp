#include "solvers/ordered_iteration.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/kernels/permuted_chain.hpp"
#include "solvers/backward_start.hpp"
#include "solvers/centre.hpp"
#include "solvers/chain_steps.hpp"
#include "solvers/sweep_loop.hpp"

namespace mdp::solvers {
namespace {

// What a sweep of the chain reads.
double entries_of(const kernels::OrderedChain& chain) {
  return static_cast<double>(chain.rows().begin.back()) + 2.0 * static_cast<double>(chain.size());
}

}  // namespace

Outcome OrderedPolicyIteration::improve(const Mdp& mdp, Iterate& it, Run& run, const Goal& goal) {
  const bool first = order_.empty();
  if (first) begin(mdp, it, run);
  kernels::OrderedChain chain(mdp, order_, mdp.exact_discount());
  for (std::vector<double>* x : {&x_, &y_}) {
    reserve_large(*x, chain.size());
    x->resize(chain.size());
  }
  gave_up_ = false;
  reference_ = infinity;
  idle_ = 0;
  offset_.reset();
  if (first && !it.policy.empty() && run.flat_start() && !evaluate_first(mdp, chain, it, run)) {
    gave_up_ = true;
    it.offset = offset_;
    return Outcome::stalled;
  }
  return sweep_until(mdp, it, run, goal, [&](Iterate& iterate) {
    gave_up_ = !progresses(iterate) || turn_over(mdp, iterate, goal);
    if (gave_up_)
      iterate.offset = offset_;
    else
      advance(mdp, chain, iterate, run);
    return !gave_up_;
  });
}

// Sweeps of the first policy's chain, which search_backward() knows roughly; false if their rate promises too much work.
bool OrderedPolicyIteration::evaluate_first(const Mdp& mdp, kernels::OrderedChain& chain, Iterate& it, Run& run) {
  constexpr int sweeps_to_start = 10;  // before the rate is looked at
  constexpr int sweeps_to_measure = 30;
  constexpr int more_sweeps = 160;
  constexpr double enough = 1e-3;
  constexpr double to_go = 20.0;  // e-folds, to eight digits more
  chain.assign(it.policy, run.threads());
  chain.gather(it.v, x_, run.threads());
  bool done = sweep(chain, run, sweeps_to_start, enough);
  const double before = change_;
  if (!done) done = sweep(chain, run, sweeps_to_measure, enough);
  const double rate = std::pow(change_ / before, 1.0 / sweeps_to_measure);
  const bool dear = !done && to_go / -std::log(std::min(rate, 1.0 - 1e-9)) * entries_of(chain) > limits_.expected;
  if (!done && !dear) static_cast<void>(sweep(chain, run, more_sweeps, enough));
  take_values(chain, mdp, it, run);
  return !dear;
}

// The order, by the values of a search backwards or those at hand; from a flat start, those values and their policy too.
void OrderedPolicyIteration::begin(const Mdp& mdp, Iterate& it, const Run& run) {
  if (run.flat_start()) start_backward(mdp, it);
  reserve_large(order_, it.v.size());
  for (const State s : kernels::order_by_value(it.v)) {
    if (it.v[s] < infinity) order_.push_back(s);
  }
}

bool OrderedPolicyIteration::progresses(const Iterate& it) {
  constexpr int patience = 50;  // iterations that may pass without halving the residual
  const double span = span_of(it.residual);
  if (span <= 0.5 * reference_) {
    reference_ = span;
    idle_ = 0;
  }
  return ++idle_ <= patience && work_ <= limits_.work;
}

void OrderedPolicyIteration::advance(const Mdp& mdp, kernels::OrderedChain& chain, Iterate& it, Run& run) {
  constexpr int sweeps = 20;
  constexpr double enough = 0.01;
  const State n_changed = chain.assign(it.policy, run.threads());
  run.count_iteration();
  chain.gather(it.tv, x_, run.threads());
  if (!offset_) offset_ = middle_of(it.residual) / mdp.exact_discount().complement.value();
  const double offset = mdp.discount() * *offset_;  // T(v + c) = T v + gamma c
  for (double& x : x_) x += offset;
  const bool done = sweep(chain, run, sweeps, enough);
  const bool settled = n_changed <= static_cast<State>(chain.size() / 1000);
  if (!done && settled) solve(chain, run, enough);
  take_values(chain, mdp, it, run);
}

void OrderedPolicyIteration::take_values(const kernels::OrderedChain& chain, const Mdp& mdp, Iterate& it,
                                         const Run& run) {
  chain.scatter(x_, it.v, run.threads());
  const Centred centred = centre_values(mdp, it.v, run.threads());
  it.size = centred.size;
  offset_ = centred.subtracted;
}

// Whether the change of a sweep has fallen by `enough`, or it is time to stop.
bool OrderedPolicyIteration::sweep(const kernels::OrderedChain& chain, Run& run, int most, double enough) {
  const auto may_go_on = [&, n = 0]() mutable {
    return work_ + ++n * entries_of(chain) <= limits_.work && !run.out_of_time();
  };
  const SweepsDone done = sweep_chain(chain, x_, y_, run.threads(), {most, enough, 0.0, may_go_on});
  count_work(chain, run, done.count);
  change_ = done.change;
  return done.enough || work_ > limits_.work || run.out_of_time();
}

void OrderedPolicyIteration::count_work(const kernels::OrderedChain& chain, Run& run, std::int64_t passes) {
  run.count_traffic(passes * chain.rows().begin.back(), passes * static_cast<Offset>(chain.size()));
  work_ += static_cast<double>(passes) * entries_of(chain);
}

void OrderedPolicyIteration::solve(const kernels::OrderedChain& chain, Run& run, double reduction) {
  constexpr std::int64_t most_products = 400;
  const KrylovOptions options{.tolerance = 0.0,
                              .max_products = most_products,
                              .threads = run.threads(),
                              .keep_going = run.while_time_is_left()};
  count_work(chain, run, 2 * improve_by_krylov(chain, x_, y_, reduction, options).products);
}

}  // namespace mdp::solvers
