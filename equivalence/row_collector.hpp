// equivalence/row_collector.hpp — rows of a new model on their way into its arrays (internal to the room).
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "equivalence/rebuild.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::equivalence {

/// The rows of one block of states, appended in order: successors of positive probability only.
class RowBlock {
 public:
  void add(std::span<const State> states, std::span<const double> p) {
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (!(p[i] > 0.0)) continue;
      next_state_.push_back(states[i]);
      probability_.push_back(p[i]);
    }
    row_end_.push_back(static_cast<Offset>(next_state_.size()));
  }
  [[nodiscard]] Offset n_rows() const { return static_cast<Offset>(row_end_.size()); }
  [[nodiscard]] Offset n_transitions() const { return static_cast<Offset>(next_state_.size()); }

  /// Copies the rows to their place behind `begin`, and gives the memory back.
  void move_into(Transitions& all, Offset first_row, Offset begin) {
    for (std::size_t row = 0; row < row_end_.size(); ++row) {
      all.row_begin[static_cast<std::size_t>(first_row) + row + 1] = begin + row_end_[row];
    }
    std::copy(next_state_.begin(), next_state_.end(), all.next_state.begin() + begin);
    std::copy(probability_.begin(), probability_.end(), all.probability.begin() + begin);
    *this = RowBlock();
  }

 private:
  std::vector<Offset> row_end_;
  std::vector<State> next_state_;
  std::vector<double> probability_;
};

/// The rows of all blocks, in order.
[[nodiscard]] inline Transitions join(std::vector<RowBlock>& blocks, Offset n_rows) {
  Offset total = 0;
  for (const RowBlock& block : blocks) total += block.n_transitions();
  Transitions all;
  all.row_begin.resize(static_cast<std::size_t>(n_rows) + 1);
  all.row_begin[0] = 0;
  all.next_state.resize(static_cast<std::size_t>(total));
  all.probability.resize(static_cast<std::size_t>(total));
  Offset row = 0;
  Offset begin = 0;
  for (RowBlock& block : blocks) {
    const Offset rows = block.n_rows();
    const Offset transitions = block.n_transitions();
    block.move_into(all, row, begin);
    row += rows;
    begin += transitions;
  }
  return all;
}

}  // namespace mdp::equivalence
