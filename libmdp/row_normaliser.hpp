// libmdp/row_normaliser.hpp — rows of an MDP: checked, merged, sorted, normalised once (internal to build()).
#pragma once

#include <vector>

#include "libmdp/arrays_check.hpp"
#include "libmdp/mdp.hpp"

namespace mdp {

/// Works on the transitions of `m` in place. inspect() reads every row once, in parallel; rewrite() touches
/// only the rows that are not clean already (successors strictly ascending, probabilities > 0, sum within
/// rounding of 1), so that a large clean model is read once and never copied.
class RowNormaliser {
 public:
  RowNormaliser(MdpArrays& m, const std::vector<State>& blocks, const BuildOptions& options);

  void inspect(Problems& problems);
  /// Only after inspect() found no problem.
  void rewrite();

  /// Largest |row sum - 1| of the input.
  [[nodiscard]] double largest_defect() const;
  /// [n_rows] or empty if all are 0.
  [[nodiscard]] Buffer<float> take_defects();
  /// Bound of EntryError::probability.
  [[nodiscard]] double probability_error() const;

 private:
  struct BlockReport {
    std::vector<Offset> dirty;  // rows to rewrite
    double largest_defect = 0.0;
    double probability_error = 0.0;
    bool shrinks = false;
  };

  bool check_entries(Offset row, Problems& problems) const;
  void inspect_row(Offset row, BlockReport& report, Problems& problems);
  Offset rewrite_row(Offset row, std::vector<std::pair<State, TwoDouble>>& scratch);
  void compact();

  MdpArrays& m_;
  const std::vector<State>& blocks_;
  const BuildOptions& options_;
  Buffer<float> defects_;
  std::vector<BlockReport> reports_;
  std::vector<std::pair<Offset, Offset>> new_ends_;  // (row, entries left) of rows that shrank, ascending
};

}  // namespace mdp
