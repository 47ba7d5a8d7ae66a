#include "solvers/method_choice.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "solvers/howard.hpp"
#include "solvers/sweeps.hpp"

namespace mdp::solvers {
namespace {

constexpr State small_chain = 300;
constexpr double cheap_flops = 1e9;  // of a banded factorisation as wide as the levels
constexpr double most_flops = 1e10;  // of one factorisation, before BiCGSTAB takes over

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

// The chain that takes each state's first and last action with probability 1/2: its graph has the edges of both.
kernels::PolicyChain first_and_last_rows(const Mdp& mdp, int threads) {
  StochasticPolicy policy(static_cast<std::size_t>(mdp.n_rows()), 0.0);
  for (State s = 0; s < mdp.n_states(); ++s) {
    policy[mdp.state_rows()[s]] += 0.5;
    policy[mdp.state_rows()[s + 1] - 1] += 0.5;
  }
  return {mdp, policy, threads};
}

}  // namespace

LuVerdict judge_sparse_lu(const kernels::PolicyChain& chain) {
  const State n = chain.n_states();
  if (n <= small_chain) return {true, fmt::format("{} states: sparse LU is cheap", n)};
  const auto limit = static_cast<State>(std::min(n / 8.0, 4.0 * std::sqrt(cheap_flops / n)));
  const State width = level_width(chain, limit);
  if (width > limit) return {false, "the transition graph is wide: sparse LU would fill in"};
  return {true, fmt::format("the transition graph is narrow (levels of at most {} states): sparse LU is cheap", width)};
}

std::unique_ptr<Improver> make_policy_iteration(const Mdp& mdp, const SolveOptions& options, bool or_modified) {
  LuVerdict verdict{options.linear_solver == LinearSolver::sparse_lu, ""};
  const bool automatic = options.linear_solver == LinearSolver::automatic;
  if (automatic) verdict = judge_sparse_lu(first_and_last_rows(mdp, options.threads));
  std::unique_ptr<Improver> improver;
  if (verdict.cheap)
    improver = std::make_unique<Howard>(automatic ? most_flops : infinity);
  else
    improver = std::make_unique<ModifiedPolicyIteration>(or_modified ? Evaluation::sweeps : Evaluation::krylov);
  improver->set_reason(verdict.why);
  return improver;
}

std::unique_ptr<Improver> make_evaluator(const Mdp& chain, const SolveOptions& options) {
  return make_policy_iteration(chain, options, false);
}

}  // namespace mdp::solvers
