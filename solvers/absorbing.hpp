// solvers/absorbing.hpp — least cost until exit, enclosed: the core of reach, goal, total and average (internal).
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "libmdp/graph/reduce.hpp"
#include "solvers/run.hpp"

namespace mdp::solvers {

/// Elimination gives up when its factors have more entries.
inline constexpr double most_factor_entries = 1.5e7;
/// Factors with at most so many entries a state are cheap.
inline constexpr double entries_per_state = 40.0;

enum class AbsorbingEnd {
  enclosed,   ///< all members hold
  unbounded,  ///< improving made a policy that never exits: costs below 0 for ever
  imprecise,  ///< the policy is evaluated, but not proved optimal: below = +inf
  stopped,    ///< a limit, or the observer: as imprecise
  failed      ///< no enclosure: out of the range of doubles, or factors too large
};

/// Proved: value - below <= V* and V^rows <= value + above, V* the least over all policies that exit with probability 1.
struct AbsorbingAnswer {
  AbsorbingEnd end = AbsorbingEnd::failed;
  std::vector<TwoDouble> value;  ///< [n_states]
  std::vector<double> below;     ///< [n_states] >= 0
  std::vector<double> above;     ///< [n_states] >= 0
  std::vector<Offset> rows;      ///< [n_states] row taken: the lowest among those that cannot be told apart
};

/// Minimises the cost until exit over the policies that exit with probability 1. Every state must have one, and every
/// policy that does not exit must have costs above 0 in the long run: end components of cost 0 are collapsed first
/// (theory.md C5), then policy iteration from any policy that exits stays with such policies (Bertsekas and Tsitsiklis 1991).
///
/// Policies are evaluated by Elimination, positive and negative costs apart, so that V^mu is known to a relative delta of
/// V+ + V-; an action changes only where it is proved better, so that policy iteration ends. Then, with
/// gap(row) = c + P V^mu - V^mu(s):
///
///   If d >= 0 has  d(s) - P d >= -gap(row)  on every row, then V^mu - d <= V*.
///   Proof: v = V^mu - d satisfies v <= c + P v on every row, so v <= V^nu for every nu that exits surely (iterate; P_nu^n
///   v -> 0), and the inf over nu is V*.
///
/// d = 0 does where all gaps are proved >= 0; elsewhere d is twice a solution of the problem of the greatest cost
/// e(row) = |what the gap may be below 0| + (its error) over the rows that are not proved worse, checked row by row.
/// \param values  [n_states] whose greedy policy is started from, or empty
[[nodiscard]] AbsorbingAnswer solve_absorbing(const graph::ReducedMdp& m, Run& run,
                                              std::span<const double> values = {});

/// The same enclosure from a policy that exits surely, which is not improved: V^rows, and d for it. `below` is +inf where no d is
/// found, unless no cost is negative: then V* >= 0.
[[nodiscard]] AbsorbingAnswer enclose_absorbing(const graph::ReducedMdp& m, std::span<const Offset> rows,
                                                const std::function<bool()>& keep_going);

/// Whether elimination fills in little: the factors of the shortest way out have few entries a state. As much work as they take.
[[nodiscard]] bool elimination_is_cheap(const graph::ReducedMdp& m);

/// The same for a given policy that exits surely: V^rows only, below = above.
[[nodiscard]] AbsorbingAnswer evaluate_absorbing(const graph::ReducedMdp& m, std::span<const Offset> rows);

}  // namespace mdp::solvers
