// libmdp/kernels/policy_chain.hpp — the transition matrix that a policy selects, packed, and its products.
#pragma once

#include <span>

#include "libmdp/buffer.hpp"
#include "libmdp/kernels/bellman.hpp"
#include "libmdp/kernels/system.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::kernels {

/// P_pi and L_pi of a policy in compressed rows: as much smaller than the MDP as it has actions, and so are its
/// sweeps. Work is split as in Mdp::blocks(): the same bits for any number of threads.
class PolicyChain {
 public:
  /// Rows copied to the bit. A valid policy (require_valid()) is the caller's duty.
  PolicyChain(const Mdp& mdp, std::span<const Action> policy, int threads = 0);
  /// P_pi = sum_a pi P_a, successors merged: one product and one sum per entry and action, rows of probability 0 left
  /// out. Relative error of an entry: rounding(n_actions + 1).
  PolicyChain(const Mdp& mdp, std::span<const double> stochastic_policy, int threads = 0);

  /// Another deterministic policy, storage reused: of an MDP with the same states, rows and transitions (costs may differ).
  /// Where all rows that change keep their length, only those are copied.
  void assign(const Mdp& mdp, std::span<const Action> policy, int threads = 0);

  [[nodiscard]] State n_states() const noexcept { return static_cast<State>(row_begin_.size()) - 1; }
  [[nodiscard]] Offset n_transitions() const noexcept { return row_begin_.back(); }
  [[nodiscard]] std::span<const Offset> row_begin() const noexcept { return row_begin_; }   ///< [n_states+1]
  [[nodiscard]] std::span<const State> next_state() const noexcept { return next_state_; }  ///< [n_transitions]
  [[nodiscard]] std::span<const double> probability() const noexcept { return probability_; }
  [[nodiscard]] std::span<const double> cost() const noexcept { return cost_; }  ///< [n_states] L_pi
  [[nodiscard]] std::span<const State> blocks() const noexcept { return blocks_; }
  /// No row has more transitions.
  [[nodiscard]] Offset max_row_length() const noexcept { return longest_; }

  /// y = L_pi + discount P x, the arithmetic of RowValue; returns the range of y - x over finite states.
  /// Traffic: 12 B per transition, 32 B per state, plus the gathers of x. y must not overlap x.
  ResidualRange sweep(double discount, std::span<const double> x, std::span<double> y, int threads = 0) const;
  /// y = P x.
  void multiply(std::span<const double> x, std::span<double> y, int threads = 0) const;
  /// y = P^T x; needs transpose() once before.
  void multiply_transposed(std::span<const double> x, std::span<double> y, int threads = 0) const;

  /// Packs P^T, successors in ascending order of the source state. O(n_transitions), memory as much again.
  void transpose();
  /// P, and P^T after transpose(), for the functions of system.hpp.
  [[nodiscard]] CompressedRows rows() const noexcept { return {row_begin_, next_state_, probability_, blocks_}; }
  [[nodiscard]] CompressedRows columns() const noexcept {
    return {column_begin_, source_, column_probability_, blocks_};
  }

 private:
  [[nodiscard]] bool replace_rows(const Mdp& mdp, std::span<const Action> policy, int threads);
  void copy_rows(const Mdp& mdp, std::span<const Action> policy, int threads);
  void copy_row(const Mdp& mdp, Offset row, State s);
  template <class F>
  void for_products(State first, State last, std::span<const double> x, F&& f) const;

  Buffer<State> blocks_;
  Offset longest_ = 0;     // a bound on the length of a row
  Buffer<Action> copied_;  // [n_states] whose rows these are; empty for averages
  Buffer<Offset> row_begin_;
  Buffer<State> next_state_;
  Buffer<double> probability_;
  Buffer<double> cost_;
  Buffer<Offset> column_begin_;
  Buffer<State> source_;
  Buffer<double> column_probability_;
};

}  // namespace mdp::kernels
