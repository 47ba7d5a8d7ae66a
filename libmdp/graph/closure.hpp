// libmdp/graph/closure.hpp — the one worklist behind all questions of reachability (internal to solvers and graph).
#pragma once

#include <optional>
#include <span>

#include "libmdp/buffer.hpp"
#include "libmdp/graph/components.hpp"
#include "libmdp/graph/reachability.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::graph {

enum class Needs { any, all };

/// Transitions sorted by their target: the rows that lead into each state. 8 B per transition, 4 B per row.
struct Predecessors {
  Buffer<Offset> begin;        ///< [n_states+1]
  Buffer<Offset> row;          ///< [n_transitions]
  Buffer<State> state_of_row;  ///< [n_rows]

  explicit Predecessors(const Mdp& mdp);
};

/// The predecessors of an MDP, listed when they are first asked for and, after release(), again. They take as much memory as
/// the transitions. Not for several threads at once.
class PredecessorsWhenNeeded {
 public:
  /// \param mdp  must outlive this
  explicit PredecessorsWhenNeeded(const Mdp& mdp) : mdp_(mdp) {}

  operator const Predecessors&() const {  // NOLINT(google-explicit-constructor): it stands for them
    if (!list_) list_.emplace(mdp_);
    return *list_;
  }
  void release() const noexcept { list_.reset(); }

 private:
  const Mdp& mdp_;
  mutable std::optional<Predecessors> list_;
};

/// The least set that holds `start` and every state of which {any, all} usable rows have {any, all} successors
/// in it. One worklist pass: a row (state) joins when as many successors (rows) have joined as it needs; a state without
/// usable rows never joins. O(n_transitions).
[[nodiscard]] StateSet backward_closure(const Mdp& mdp, const Predecessors& into, StateSet start,
                                        std::span<const char> usable, Needs of_rows, Needs of_successors);

/// Bans the usable rows, of states of the set and of others, that have a successor outside the set; says whether there were any.
bool keep_rows_inside(const Mdp& mdp, const StateSet& set, RowMask& usable);

/// For each state outside `target` from which usable rows can reach it, the lowest usable row with a successor nearer to it
/// (in steps); -1 elsewhere. Where every row of the states so covered keeps to them, these rows reach the target with
/// probability 1: from each state some path of bounded length does.
[[nodiscard]] std::vector<Offset> rows_towards(const Mdp& mdp, const Predecessors& into, const StateSet& target,
                                               std::span<const char> usable);

/// The states from which some policy of usable rows reaches the target with probability 1: the greatest X, within
/// `candidates`, that reaches the target by rows that stay in X.
[[nodiscard]] StateSet almost_surely_reaching(const Mdp& mdp, const Predecessors& into, const StateSet& target,
                                              StateSet candidates, RowMask usable);

/// States from `from` to the nearest state of the target along usable rows, both included; empty if there is no way.
[[nodiscard]] std::vector<State> shortest_path(const Mdp& mdp, State from, const StateSet& target,
                                               std::span<const char> usable);

[[nodiscard]] StateSet goal_states(const Mdp& mdp);
[[nodiscard]] StateSet complement(StateSet set);
/// The states of `set` that are not in `other`.
[[nodiscard]] StateSet without(StateSet set, const StateSet& other);

}  // namespace mdp::graph
