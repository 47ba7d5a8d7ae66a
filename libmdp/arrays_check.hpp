// libmdp/arrays_check.hpp — the rules that arrays must meet to be an MDP (internal to build()).
#pragma once

#include <string>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp {

/// Collects problems for people: the first `max_listed` in full, the others counted.
class Problems {
 public:
  explicit Problems(std::int64_t max_listed) : max_listed_(max_listed) {}

  [[nodiscard]] bool full() const noexcept { return static_cast<std::int64_t>(texts_.size()) >= max_listed_; }
  void add(const std::string& text);
  /// Counts one that is not listed: avoids making its text.
  void count() noexcept { ++n_; }
  void append(const Problems& other);
  /// \throws InvalidModel
  void throw_if_any() const;

 private:
  std::int64_t max_listed_;
  std::int64_t n_ = 0;
  std::vector<std::string> texts_;
};

/// "state 3 (bar)" and "state 3 (bar), action 1 (go)", for arrays that are not an Mdp yet.
[[nodiscard]] std::string place_of_state(const MdpArrays& m, Offset state);
[[nodiscard]] std::string place_of_row(const MdpArrays& m, Offset row);

/// Lengths and offsets that fit together, names included; nothing else can be said about arrays that fail.
/// \throws InvalidModel.
void check_shapes(const MdpArrays& m);

/// Goal states, and dead ends where they are to become absorbing, that have no row; the other dead ends are
/// problems. Ascending.
[[nodiscard]] std::vector<State> states_without_rows(const MdpArrays& m, DeadEnds dead_ends, Problems& problems);

/// Costs (minimised sense) are finite or +inf.
void check_costs(const MdpArrays& m, Problems& problems);

/// Rows of goal states are cost-free self-loops.
void check_goal_rows(const MdpArrays& m, Problems& problems);

}  // namespace mdp
