// libmdp/kernels/permuted_chain.hpp — a policy's chain with its states in another order, and its incomplete factors.
#pragma once

#include <span>
#include <vector>

#include "libmdp/buffer.hpp"
#include "libmdp/kernels/system.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::kernels {

/// States by ascending value, equal values by position; +inf last.
[[nodiscard]] std::vector<State> order_by_value(std::span<const double> values);

/// P_pi of a policy in an order of the states: row i is that of state order[i], column j stands for state order[j].
class PermutedChain {
 public:
  /// \param order  a permutation of the states
  PermutedChain(const Mdp& mdp, std::span<const Action> policy, std::vector<State> order, int threads = 0);
  /// Another policy, the same order, storage reused.
  void assign(const Mdp& mdp, std::span<const Action> policy, int threads = 0);

  [[nodiscard]] State n_states() const noexcept { return static_cast<State>(order_.size()); }
  [[nodiscard]] Offset n_transitions() const noexcept { return begin_.back(); }
  [[nodiscard]] std::span<const State> order() const noexcept { return order_; }
  [[nodiscard]] CompressedRows rows() const noexcept { return {begin_, index_, value_, blocks_}; }

 private:
  std::vector<State> order_;
  std::vector<State> position_;  // its inverse
  Buffer<State> blocks_;
  Buffer<Offset> begin_;
  Buffer<State> index_;
  Buffer<double> value_;
};

/// Modified incomplete LU of I - discount M without fill: entries outside the pattern of M are added to the diagonal, so
/// that M 1 is kept, and constants are solved for exactly. Where states are ordered by value, most of a policy's
/// transitions lead to earlier states, and the factors are nearly those of elimination.
///
/// Computed without a subtraction, as in Grassmann, Taksar and Heyman's elimination: with the row sums s of I - discount M,
/// all >= 0, pivot = s' + sum of the entries right of the diagonal, s' = s + sum l s'. So no pivot is negative; one
/// that is 0 is replaced by 1. Source: Gustafsson (1978).
class IncompleteLu {
 public:
  /// \param m        entries >= 0, ascending in each row; must outlive this object unchanged
  /// \param row_sum  [n] of I - discount M, >= 0
  void factorise(const CompressedRows& m, double discount, std::span<const double> row_sum);
  /// z = (LU)^-1 r. \param z  may be r. Sequential: 12 B per entry, 28 B per row.
  void solve(std::span<const double> r, std::span<double> z) const;

 private:
  void eliminate(State i, double discount, std::span<double> row_sum, std::vector<Offset>& place);

  CompressedRows m_;
  Buffer<double> factor_;    // l left of the diagonal, -u right of it
  Buffer<Offset> diagonal_;  // [n] end of the entries left of the diagonal
  Buffer<Offset> right_;     // [n] first entry right of it
  Buffer<double> inverse_;   // [n] of the pivots
};

}  // namespace mdp::kernels
