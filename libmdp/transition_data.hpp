// libmdp/transition_data.hpp — observed transitions (s, a, s'), as a simulator or a log file gives them, and their counts.
#pragma once

#include <span>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp {

/// Samples in columns of equal length, in the order in which they were seen.
struct TransitionData {
  std::vector<State> state;       ///< [n] s
  std::vector<Action> action;     ///< [n] a, position within the state
  std::vector<State> next_state;  ///< [n] s'
  /// [n] how often, or how much, each was seen: >= 0, finite; or empty = once each.
  std::vector<double> count;

  [[nodiscard]] Offset size() const noexcept { return static_cast<Offset>(state.size()); }
  void add(State s, Action a, State next) {
    state.push_back(s);
    action.push_back(a);
    next_state.push_back(next);
  }
};

/// \throws InvalidArgument naming the first sample whose state, action, successor or count `mdp` does not have.
void require_valid(const Mdp& mdp, const TransitionData& data);

/// n(s,a,s'): what was seen from each row of an MDP.
struct TransitionCounts {
  std::vector<Offset> row_begin;  ///< [n_rows+1]
  std::vector<State> next_state;  ///< successors seen, ascending within a row
  std::vector<double> count;      ///< > 0

  [[nodiscard]] std::span<const State> successors(Offset row) const { return part(next_state, row); }
  [[nodiscard]] std::span<const double> counts(Offset row) const { return part(count, row); }
  /// Sum of a row, successors ascending.
  [[nodiscard]] double total(Offset row) const;
  /// Sum of all: how many samples there were.
  [[nodiscard]] double total() const;

 private:
  template <class T>
  [[nodiscard]] std::span<const T> part(const std::vector<T>& all, Offset row) const {
    const auto r = static_cast<std::size_t>(row);
    return std::span(all).subspan(static_cast<std::size_t>(row_begin[r]),
                                  static_cast<std::size_t>(row_begin[r + 1] - row_begin[r]));
  }
};

/// Adds samples up. Zero counts vanish. \throws InvalidArgument as require_valid(). O(n log n) for n samples.
[[nodiscard]] TransitionCounts count_transitions(const Mdp& mdp, const TransitionData& data);

}  // namespace mdp
