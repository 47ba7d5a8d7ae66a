// solvers/elimination.hpp — costs until exit of a chain, without a subtraction: small relative errors always (internal).
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "libmdp/graph/reduce.hpp"

namespace mdp::solvers {

/// Solves  (sum_j p_ij + exit_i) x_i = b_i + sum_j p_ij x_j  for b >= 0, however ill-conditioned it is: values of 1e90
/// and probabilities of 1e-90 come out to about 25 digits each.
///
/// States are eliminated one by one, each replaced in its predecessors by what follows it. As the diagonal is never
/// stored but summed from the probabilities of leaving (Grassmann, Taksar, Heyman 1985), only positive numbers are
/// added, multiplied and divided.
///
/// Relative error, proved. By the all-minors matrix-tree theorem x_i is a ratio of sums of products of at most m
/// entries each, m states being left, and linear in b: entries within relative eta of their own change x by at most
/// 2 m eta (1 + O(m eta)). Elimination of a state with L successors replaces exact numbers by ones within
/// eta = (4 L + 64) u^2 (sum of L + 1 numbers 3 u^2 each, quotient 16 u^2, product 4 u^2, sum 3 u^2; two_double.hpp), which is
/// such a change of the chain that is left; going back adds eta once more. Together
///     sum over the steps of (2 m + 1) eta  +  2 n entry_error.    Source: O'Cinneide (1993), after the idea.
/// It needs products above 2^-960: underflow() tells.
class Elimination {
 public:
  /// \param rows        [n_states] row that the chain takes in each state; must exit surely (graph::exits_surely())
  /// \param max_entries give up, too_large(), when the factors have more entries than this
  /// \param keep_going  asked often; false: give up likewise. Empty = always
  Elimination(const graph::ReducedMdp& m, std::span<const Offset> rows, double max_entries,
              const std::function<bool()>& keep_going = {});

  [[nodiscard]] bool too_large() const noexcept { return too_large_; }
  /// x for b >= 0. [n_states] each. Not if too_large().
  [[nodiscard]] std::vector<TwoDouble> solve(std::span<const TwoDouble> b) const;
  /// Bound on |x - exact| / exact; +inf after an underflow.
  [[nodiscard]] double relative_error() const noexcept { return underflow_ ? infinity : relative_error_; }

 private:
  struct Entry {
    State state;
    TwoDouble p;
  };
  struct Step {
    State state = 0;
    TwoDouble leaving;               // sum of the row and exit
    std::vector<Entry> next;         // what follows it, of the states left
    std::vector<Entry> predecessor;  // of the states left, weight p / leaving
  };
  class Work;

  void require_exact(TwoDouble x) const;
  [[nodiscard]] TwoDouble product(TwoDouble a, TwoDouble b) const;

  std::vector<Step> steps_;
  double relative_error_ = 0.0;
  bool too_large_ = false;
  mutable bool underflow_ = false;
};

}  // namespace mdp::solvers
