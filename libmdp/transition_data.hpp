// libmdp/transition_data.hpp — observed transitions (s, a, s'), as a simulator or a log file gives them.
#pragma once

#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp {

/// Samples in columns of equal length, in the order in which they were seen.
struct TransitionData {
  std::vector<State> state;       ///< [n] s
  std::vector<Action> action;     ///< [n] a, position within the state
  std::vector<State> next_state;  ///< [n] s'

  [[nodiscard]] Offset size() const noexcept { return static_cast<Offset>(state.size()); }
  void add(State s, Action a, State next) {
    state.push_back(s);
    action.push_back(a);
    next_state.push_back(next);
  }
};

/// \throws InvalidArgument naming the first sample whose state, action or successor `mdp` does not have.
void require_valid(const Mdp& mdp, const TransitionData& data);

}  // namespace mdp
