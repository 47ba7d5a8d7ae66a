#include "solvers/method_choice.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "libmdp/kernels/backward_search.hpp"
#include "solvers/howard.hpp"
#include "solvers/inexact.hpp"
#include "solvers/memory.hpp"
#include "solvers/ordered_iteration.hpp"
#include "solvers/relay.hpp"
#include "solvers/sparse_lu.hpp"
#include "solvers/sweeps.hpp"

namespace mdp::solvers {
namespace {

constexpr State small_chain = 300;
constexpr double cheap_flops = 1e9;
constexpr double most_flops = 1e10;  // of one factorisation, before BiCGSTAB takes over

// Widest level of a breadth-first search along the edges of all `graphs`, over all parts; gives up beyond `limit`.
State level_width(std::initializer_list<kernels::CompressedRows> graphs, State limit) {
  const State n = graphs.begin()->size();
  std::vector<char> seen(static_cast<std::size_t>(n), 0);
  std::vector<State> level;
  std::vector<State> next;
  State widest = 0;
  for (State root = 0; root < n; ++root) {
    if (seen[root]) continue;
    seen[root] = 1;
    for (level.assign(1, root); !level.empty(); std::swap(level, next)) {
      widest = std::max(widest, static_cast<State>(level.size()));
      if (widest > limit) return widest;
      next.clear();
      for (const auto& graph : graphs) {
        for (const State s : level) {
          for (Offset k = graph.begin[s]; k < graph.begin[s + 1]; ++k) {
            const State t = graph.index[k];
            if (!seen[t]) next.push_back(t);
            seen[t] = 1;
          }
        }
      }
    }
  }
  return widest;
}

// Of P + P^T; that of P alone is cheaper and shows most wide graphs.
bool is_wide(const kernels::PolicyChain& chain, State limit) {
  if (level_width({chain.rows()}, limit) > limit) return true;
  kernels::PolicyChain both = chain;
  both.transpose();
  return level_width({both.rows(), both.columns()}, limit) > limit;
}

// A policy without a pattern: a multiplicative hash of the state picks the action. Optimal policies are not known yet,
// and regular ones (everywhere the first action) can have far simpler graphs.
Policy scattered_policy(const Mdp& mdp) {
  Policy policy(static_cast<std::size_t>(mdp.n_states()));
  for (State s = 0; s < mdp.n_states(); ++s) {
    const auto hash = (static_cast<std::uint64_t>(s) + 1) * 0x9E3779B97F4A7C15U;
    policy[s] = static_cast<Action>((hash >> 33) % static_cast<std::uint64_t>(mdp.n_actions(s)));
  }
  return policy;
}

}  // namespace

LuVerdict judge_sparse_lu(const kernels::PolicyChain& chain, double max_bytes) {
  const State n = chain.n_states();
  if (n <= small_chain) return {true, 0.0, fmt::format("{} states: sparse LU is cheap", n)};
  const auto limit = static_cast<State>(std::min(n / 8.0, 4.0 * std::sqrt(cheap_flops / n)));
  if (is_wide(chain, limit)) return {false, 0.0, "the transition graph is wide: sparse LU would fill in"};
  const SparseLu::Work estimate = SparseLu::estimated_work(chain);
  const double flops = estimate.flops;
  const double work = flops + 8.0 * estimate.entries;
  const auto operations = fmt::format("sparse LU takes about {:.1g} operations", flops);
  if (flops > cheap_flops) return {false, work, operations};
  if (estimate.bytes() > max_bytes) {
    return {false, work, fmt::format("factors would take {:.0f} MB, above the memory limit", 1e-6 * estimate.bytes())};
  }
  return {true, work, "the transition graph is narrow: " + operations};
}

std::unique_ptr<Improver> make_policy_iteration(const Mdp& mdp, const SolveOptions& options, bool or_modified) {
  LuVerdict verdict{options.linear_solver == LinearSolver::sparse_lu, 0.0, ""};
  const bool automatic = options.linear_solver == LinearSolver::automatic;
  if (automatic) verdict = judge_sparse_lu({mdp, scattered_policy(mdp), options.threads}, memory_limit_of(options));
  std::unique_ptr<Improver> improver;
  if (verdict.cheap) {
    constexpr double factorisations_before = 4.0;
    Howard::Options howard;
    if (automatic) howard.max_flops = most_flops;
    howard.max_bytes = memory_limit_of(options);
    if (or_modified) howard.sweeps_between = factorisations_before * verdict.work;
    howard.refine_always = !or_modified || mdp.n_states() <= small_chain;
    improver = std::make_unique<Howard>(howard);
  } else {
    improver = std::make_unique<ModifiedPolicyIteration>(or_modified ? Evaluation::sweeps : Evaluation::krylov);
  }
  improver->set_reason(verdict.why);
  return improver;
}

std::unique_ptr<Improver> make_automatic(const Mdp& mdp, const SolveOptions& options) {
  if (mdp.n_states() <= small_chain || options.linear_solver != LinearSolver::automatic) {
    return make_policy_iteration(mdp, options, true);
  }
  // What the other methods take, in sweeps, where they are at their best: no sooner is it worth while to give up.
  constexpr double sweeps_before = 400.0;
  const LuVerdict verdict = judge_sparse_lu({mdp, scattered_policy(mdp), options.threads}, memory_limit_of(options));
  const bool absorbing = kernels::has_absorbing_state(mdp);
  const double work_of_sweep = static_cast<double>(mdp.n_transitions() + mdp.n_rows());
  ModifiedPolicyIteration::Limits first{sweeps_before * work_of_sweep, sweeps_before * work_of_sweep};
  if (verdict.cheap) first = {std::min(first.work, verdict.work), std::min(first.expected, verdict.work)};
  InexactPolicyIteration::Options last;
  last.sparse_lu = verdict.cheap;
  last.max_flops = most_flops;
  last.max_bytes = memory_limit_of(options);
  last.backward_start = !absorbing;
  std::vector<std::unique_ptr<Improver>> methods;
  methods.push_back(std::make_unique<ModifiedPolicyIteration>(Evaluation::sweeps, first));
  if (absorbing) {
    // Policy iteration by sparse LU takes some ten factorisations, whose operations take more time than entries read: what
    // may be done before it, and what a first rate may promise (rates are poorest at first).
    OrderedPolicyIteration::Limits limits;
    if (verdict.cheap) limits = {8.0 * verdict.work, 20.0 * verdict.work};
    methods.push_back(std::make_unique<OrderedPolicyIteration>(limits));
  }
  methods.push_back(std::make_unique<InexactPolicyIteration>(last));
  auto improver = std::make_unique<Relay>(std::move(methods));
  improver->set_reason(verdict.why + (absorbing ? "; there are absorbing states" : ""));
  return improver;
}

std::unique_ptr<Improver> make_evaluator(const Mdp& chain, const SolveOptions& options) {
  return make_policy_iteration(chain, options, false);
}

}  // namespace mdp::solvers
