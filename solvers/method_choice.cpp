#include "solvers/method_choice.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <initializer_list>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "libmdp/kernels/backward_search.hpp"
#include "libmdp/kernels/profile_lu.hpp"
#include "solvers/direct_iteration.hpp"
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
constexpr State infinite_width = std::numeric_limits<State>::max();
constexpr double most_flops = 1e10;  // of one factorisation, before BiCGSTAB takes over

// A graph: the states that a state leads to.
using Successors = std::function<std::span<const State>(State)>;

Successors successors_in(const kernels::CompressedRows& m) {
  return [m](State s) { return m.index.subspan(m.begin[s], m.begin[s + 1] - m.begin[s]); };
}

// A policy without a pattern: a multiplicative hash of the state picks the action. Optimal policies are not known yet,
// and regular ones (everywhere the first action) can have far simpler graphs.
Action scattered_action(const Mdp& mdp, State s) {
  const auto hash = (static_cast<std::uint64_t>(s) + 1) * 0x9E3779B97F4A7C15U;
  return static_cast<Action>((hash >> 33) % static_cast<std::uint64_t>(mdp.n_actions(s)));
}

// Its chain, before it is packed.
Successors scattered_successors(const Mdp& mdp) {
  return [&mdp](State s) {
    const Offset row = mdp.state_rows()[s] + scattered_action(mdp, s);
    const Offset first = mdp.row_begin()[row];
    return mdp.next_state().subspan(first, mdp.row_begin()[row + 1] - first);
  };
}

// A breadth-first search along the edges of all graphs.
struct Levels {
  State widest = 0;
  std::vector<State> order;  // level after level
};

// From state root(0), then for each other part of the graphs from the first root in it, of all n states; gives up where a level
// is wider than `limit`.
template <class Root>
Levels search_levels(std::initializer_list<Successors> graphs, State n, Root&& root, State limit) {
  Levels levels;
  std::vector<char> seen(at(n), 0);
  std::vector<State> level;
  std::vector<State> next;
  for (State i = 0; i < n; ++i) {
    if (seen[root(i)]) continue;
    seen[root(i)] = 1;
    for (level.assign(1, root(i)); !level.empty(); std::swap(level, next)) {
      levels.order.insert(levels.order.end(), level.begin(), level.end());
      levels.widest = std::max(levels.widest, static_cast<State>(level.size()));
      if (levels.widest > limit) return levels;
      next.clear();
      for (const auto& successors : graphs) {
        for (const State s : level) {
          for (const State t : successors(s)) {
            if (!seen[t]) next.push_back(t);
            seen[t] = 1;
          }
        }
      }
    }
  }
  return levels;
}

State itself(State i) { return i; }

// Beyond, factors are dear whatever the order.
State widest_level(State n) { return static_cast<State>(std::min(n / 8.0, 4.0 * std::sqrt(cheap_flops / n))); }

// Whether a level of P, of n states, is wider: cheaper to see than the width of P + P^T, which is no smaller.
bool is_wide(const Successors& graph, State n) {
  return search_levels({graph}, n, itself, widest_level(n)).widest > widest_level(n);
}

// Levels of P + P^T, from states that are far out; nothing where one is too wide.
std::optional<Levels> narrow_levels(const kernels::PolicyChain& chain) {
  const State n = chain.n_states();
  if (is_wide(successors_in(chain.rows()), n)) return {};
  kernels::PolicyChain both = chain;
  both.transpose();
  const auto graphs = {successors_in(both.rows()), successors_in(both.columns())};
  Levels levels = search_levels(graphs, n, itself, widest_level(n));
  if (levels.widest > widest_level(n)) return {};
  std::reverse(levels.order.begin(), levels.order.end());
  return search_levels(
      graphs, n, [&](State i) { return levels.order[i]; }, infinite_width);
}

// Whether factors within the profile of the states' own order can take no more than so many operations: transitions
// of the n states reach no farther than sqrt(2 flops / n) on average.
bool is_short(const Successors& graph, State n, double flops) {
  const double most = std::sqrt(2.0 * flops / n) * n;
  double sum = 0.0;
  for (State s = 0; s < n && sum <= most; ++s) {
    const auto row = graph(s);
    if (!row.empty()) sum += std::max(row.back(), s) - std::min(row.front(), s);
  }
  return sum <= most;
}

// Operations of an elimination that is cheap. It takes about 4 w^2 per state of a graph of width w. Long means a length of
// n/w >= 10 w: where a graph is more of a plane, sweeps or incomplete factors have less far to go.
double most_profile_flops(State n, double work_otherwise) {
  constexpr double long_way = 0.4;
  return std::min(most_flops, std::max(long_way * n * n, work_otherwise));
}

// The chain of the scattered policy, to be judged; nothing where its graph shows, before it is packed, that no factors are cheap.
std::optional<kernels::PolicyChain> chain_to_judge(const Mdp& mdp, double work_otherwise, int threads) {
  const State n = mdp.n_states();
  const Successors graph = scattered_successors(mdp);
  if (n > small_chain && !is_short(graph, n, most_profile_flops(n, work_otherwise)) && is_wide(graph, n)) return {};
  Policy policy(at(n));
  for (State s = 0; s < n; ++s) policy[s] = scattered_action(mdp, s);
  return kernels::PolicyChain(mdp, policy, threads);
}

LuVerdict too_wide() { return {false, 0.0, "the transition graph is wide: sparse LU would fill in"}; }

}  // namespace

LuVerdict judge_sparse_lu(const kernels::PolicyChain& chain, double max_bytes) {
  const State n = chain.n_states();
  if (n <= small_chain) return {true, 0.0, fmt::format("{} states: sparse LU is cheap", n)};
  if (!narrow_levels(chain)) return too_wide();
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

ProfileVerdict judge_profile(const kernels::PolicyChain& chain, double work_otherwise, double max_bytes, int threads) {
  const State n = chain.n_states();
  const double most = most_profile_flops(n, work_otherwise);
  ProfileVerdict verdict;
  if (is_short(successors_in(chain.rows()), n, most)) {
    verdict.order.resize(at(n));
    std::iota(verdict.order.begin(), verdict.order.end(), 0);
  } else if (auto levels = narrow_levels(chain)) {
    verdict.order = std::move(levels->order);
  } else {
    return verdict;
  }
  const auto work = kernels::ProfileLu(verdict.order).plan(chain.rows(), threads);
  verdict.cheap = work.flops <= most && work.bytes() <= max_bytes;
  verdict.work = 0.25 * work.flops + 4.0 * work.entries;  // measured
  verdict.why =
      fmt::format("the transition graph is long and narrow: elimination takes about {:.1g} operations", work.flops);
  return verdict;
}

std::unique_ptr<Improver> make_policy_iteration(const Mdp& mdp, const SolveOptions& options, bool or_modified) {
  LuVerdict verdict{options.linear_solver == LinearSolver::sparse_lu, 0.0, ""};
  const bool automatic = options.linear_solver == LinearSolver::automatic;
  if (automatic) {
    const auto chain = chain_to_judge(mdp, 0.0, options.threads);
    verdict = chain ? judge_sparse_lu(*chain, memory_limit_of(options)) : too_wide();
  }
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
  const double work_before = sweeps_before * static_cast<double>(mdp.n_transitions() + mdp.n_rows());
  const double max_bytes = memory_limit_of(options);
  const auto chain = chain_to_judge(mdp, work_before, options.threads);
  ProfileVerdict profile = chain ? judge_profile(*chain, work_before, max_bytes, options.threads) : ProfileVerdict();
  const LuVerdict verdict = profile.cheap ? LuVerdict() : chain ? judge_sparse_lu(*chain, max_bytes) : too_wide();
  const bool absorbing = kernels::has_absorbing_state(mdp, options.threads);
  // Of policy iteration with one or the other; operations take more time than entries read.
  const double direct_work = profile.cheap ? 6.0 * profile.work : verdict.cheap ? verdict.work : infinity;
  std::vector<std::unique_ptr<Improver>> methods;
  const double first = std::min(work_before, direct_work);
  methods.push_back(
      std::make_unique<ModifiedPolicyIteration>(Evaluation::sweeps, ModifiedPolicyIteration::Limits{first, first}));
  if (profile.cheap) {
    const DirectPolicyIteration::Limits limits{most_flops, max_bytes};
    methods.push_back(std::make_unique<DirectPolicyIteration>(std::move(profile.order), limits));
  } else if (absorbing) {
    // What may be done before policy iteration, and what a first rate may promise (rates are poorest at first).
    OrderedPolicyIteration::Limits limits;
    if (verdict.cheap) limits = {8.0 * verdict.work, 20.0 * verdict.work};
    methods.push_back(std::make_unique<OrderedPolicyIteration>(limits));
  }
  const bool one_policy = mdp.n_rows() == mdp.n_states();
  if (one_policy && !verdict.cheap) {  // nothing is to be improved
    methods.push_back(std::make_unique<ModifiedPolicyIteration>(Evaluation::krylov));
  }
  InexactPolicyIteration::Options last;
  last.sparse_lu = verdict.cheap;
  last.max_flops = most_flops;
  last.max_bytes = max_bytes;
  last.backward_start = profile.cheap;  // else the method before has searched
  methods.push_back(std::make_unique<InexactPolicyIteration>(last));
  auto improver = std::make_unique<Relay>(std::move(methods));
  improver->set_reason((profile.cheap ? profile.why : verdict.why) + (absorbing ? "; there are absorbing states" : ""));
  return improver;
}

std::unique_ptr<Improver> make_evaluator(const Mdp& chain, const SolveOptions& options) {
  return make_policy_iteration(chain, options, false);
}

}  // namespace mdp::solvers
