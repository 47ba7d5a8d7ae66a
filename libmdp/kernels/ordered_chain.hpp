// libmdp/kernels/ordered_chain.hpp — a policy's chain renumbered by an order of its states: sweeps run in one direction.
#pragma once

#include <span>

#include "libmdp/buffer.hpp"
#include "libmdp/kernels/system.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::kernels {

/// The chain of a policy on the states of `order`, state order[i] as number i; states that are not in it are worth 0.
/// Self-loops are solved for: row i reads  x_i = cost_i + sum_j p_ij x_j  with cost and discounted p divided by what leaves i,
/// 1 - discount p_ii = sum_{j != i} p_ij + (1 - discount) p_ii.
/// Where the order follows the drift of the chain towards its exit, Gauss–Seidel sweeps in it need few rounds: a state
/// is written after most of those that it leads to. Source: Puterman (1994), section 6.3.3, on orders.
class OrderedChain {
 public:
  /// \param order     distinct states; undiscounted, each must have a row that can leave it in every policy assigned
  /// \param discount  of the chain, whatever that of the MDP is
  OrderedChain(const Mdp& mdp, std::span<const State> order, const Discount& discount = {});

  /// Copies the rows of those states whose action is not that of the last call. Undiscounted, a row that never leaves its
  /// state is not taken: the state keeps the row it has (before the first: none, and its values are not numbers).
  /// \return the number of states whose row changed
  State assign(std::span<const Action> policy, int threads = 0);
  /// Every row costs 1 (the time until exit), or again what the MDP says.
  void use_unit_costs(bool unit);

  [[nodiscard]] std::size_t size() const noexcept { return order_.size(); }
  [[nodiscard]] std::span<const State> order() const noexcept { return order_; }
  /// Action of each state of the order, as last assigned. [n_states]; -1 outside the order.
  [[nodiscard]] std::span<const Action> policy() const noexcept { return policy_; }

  /// One sweep from `x` to `y` (no overlap), in the order. States are cut into a few parts of the order, which do not
  /// depend on the number of threads; each part reads the others in x and its own earlier states in y.
  /// Returns max |y - x|, NaN if some are not numbers.
  double gauss_seidel(std::span<const double> x, std::span<double> y, int threads) const;
  /// r = cost + P x - x; returns max |r|. Reads as much as a sweep.
  double residual(std::span<const double> x, std::span<double> r, int threads) const;
  /// Row sums of I - P, the parts that leave the chain, by sums alone: 0 exactly where nothing does.
  /// A row must be assigned to every state. \param sum  [size]
  void row_sums(std::span<double> sum, int threads) const;
  /// P for the functions of system.hpp; rows have unused entries of value 0 on the diagonal.
  [[nodiscard]] CompressedRows rows() const noexcept { return {begin_, next_, weight_, blocks_}; }

  /// x[i] = v[order[i]], and back; states outside the order are left as they are.
  void gather(std::span<const double> v, std::span<double> x, int threads) const;
  void scatter(std::span<const double> x, std::span<double> v, int threads) const;

 private:
  [[nodiscard]] bool never_leaves(State s, Offset row) const;
  void copy_row(std::size_t i, Offset row);
  template <class F>
  double for_parts(int threads, F&& f) const;

  const Mdp& mdp_;
  Discount discount_;
  bool unit_costs_ = false;
  Buffer<State> order_;
  Buffer<State> place_;    // [n_states] number in the order, -1 = none
  Buffer<Action> policy_;  // [n_states] as assigned
  Buffer<Offset> begin_;   // [size+1] slots of each state: as many as its longest row has transitions
  Buffer<State> next_;     // unused slots lead to the state itself with weight 0
  Buffer<double> weight_;
  Buffer<double> cost_;
  Buffer<State> blocks_;  // the parts
};

}  // namespace mdp::kernels
