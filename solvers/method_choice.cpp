#include "solvers/method_choice.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "libmdp/graph/reachability.hpp"
#include "solvers/howard.hpp"
#include "solvers/sparse_lu.hpp"
#include "solvers/sweeps.hpp"

namespace mdp::solvers {
namespace {

constexpr State small_chain = 300;
constexpr double cheap_flops = 1e9;

// Widest level of a breadth-first search in the graph of P + P^T, over all its parts; gives up beyond `limit`.
State level_width(const kernels::PolicyChain& chain, State limit) {
  kernels::PolicyChain graph = chain;
  graph.transpose();
  std::vector<char> seen(static_cast<std::size_t>(graph.n_states()), 0);
  std::vector<State> level;
  std::vector<State> next;
  State widest = 0;
  const auto visit = [&](const kernels::CompressedRows& m, State s) {
    for (Offset k = m.begin[s]; k < m.begin[s + 1]; ++k) {
      const State t = m.index[k];
      if (!seen[t]) next.push_back(t);
      seen[t] = 1;
    }
  };
  for (State root = 0; root < graph.n_states(); ++root) {
    if (seen[root]) continue;
    seen[root] = 1;
    for (level.assign(1, root); !level.empty(); std::swap(level, next)) {
      widest = std::max(widest, static_cast<State>(level.size()));
      if (widest > limit) return widest;
      next.clear();
      for (const State s : level) {
        visit(graph.rows(), s);
        visit(graph.columns(), s);
      }
    }
  }
  return widest;
}

// A policy of finite cost wherever there is one.
Policy cheapest_policy(const Mdp& mdp, int threads) {
  const auto finite = graph::finite_value_states(mdp);
  Iterate it = Iterate::from(mdp, finite, {}, threads);
  it.policy.resize(it.v.size());
  kernels::bellman_sweep(mdp, it.v, it.tv, it.policy, threads);
  return it.policy;
}

}  // namespace

LuVerdict judge_sparse_lu(const kernels::PolicyChain& chain) {
  const State n = chain.n_states();
  if (n <= small_chain) return {true, fmt::format("{} states: sparse LU is cheap", n)};
  const auto limit = static_cast<State>(std::min(n / 8.0, 4.0 * std::sqrt(cheap_flops / n)));
  const State width = level_width(chain, limit);
  if (width > limit) return {false, "the transition graph is wide: sparse LU would fill in"};
  const double flops = SparseLu::estimated_flops(chain);
  if (flops > cheap_flops) return {false, fmt::format("sparse LU would take about {:.1g} operations", flops)};
  return {true, fmt::format("the transition graph is narrow: sparse LU takes about {:.1g} operations", flops)};
}

std::unique_ptr<Improver> make_policy_iteration(const Mdp& mdp, const SolveOptions& options, bool or_modified) {
  bool use_lu = options.linear_solver == LinearSolver::sparse_lu;
  std::string why;
  if (options.linear_solver == LinearSolver::automatic) {
    const Policy policy = cheapest_policy(mdp, options.threads);
    const LuVerdict verdict = judge_sparse_lu(kernels::PolicyChain(mdp, policy, options.threads));
    use_lu = verdict.cheap;
    why = verdict.why;
  }
  std::unique_ptr<Improver> improver;
  if (use_lu)
    improver = std::make_unique<Howard>();
  else
    improver = std::make_unique<ModifiedPolicyIteration>(or_modified ? Evaluation::sweeps : Evaluation::krylov);
  improver->set_reason(why);
  return improver;
}

std::unique_ptr<Improver> make_evaluator(const Mdp& chain, const SolveOptions& options) {
  return make_policy_iteration(chain, options, false);
}

}  // namespace mdp::solvers
