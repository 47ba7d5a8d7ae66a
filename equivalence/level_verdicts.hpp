// equivalence/level_verdicts.hpp — from optimal sets to verdicts, in floating point and in rationals (internal).
#pragma once

#include <vector>

#include "equivalence/levels.hpp"

namespace mdp::equivalence {

/// What is known of the optimal actions of one state: sure is a subset of the true set, possible a superset.
struct OptimalSet {
  std::vector<char> sure, possible;  ///< [n_actions]

  /// From what is certain of the advantages: an action is possible unless it is surely worse than another, and sure where
  /// it is the only possible one.
  static OptimalSet from_possible(std::vector<char> possible);
  /// Every action: a state with V* = inf, or a set known exactly.
  static OptimalSet exactly(const std::vector<char>& set);
};

/// Takes one state into the verdicts of E5 and E6. For sets between S and C:
///   equal:        yes iff S = C in both and the same;  no iff  S_w + S_m is not within C_w, C_m, or these are disjoint;
///   model in world:  yes iff C_m is within S_w;        no iff  S_m is not within C_w, or C_w, C_m are disjoint;
///   common action:   yes iff S_w, S_m meet, C_m is within S_w or C_w within S_m;   no iff C_w, C_m are disjoint.
/// Start from verdicts `yes`; a state that says no is kept as the witness.
void take_state(const Mdp& world, State s, const OptimalSet& in_world, const OptimalSet& in_model,
                LevelsResult& result);

/// Spreads `no` to the levels that imply a failing one and `yes` to those that a holding one implies; fills in empty reasons.
void close_under_implication(LevelsResult& result);

/// "state 3, action 1 (go)".
[[nodiscard]] std::string pair_text(const Mdp& mdp, State s, Action a);

}  // namespace mdp::equivalence
