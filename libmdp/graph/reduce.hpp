// libmdp/graph/reduce.hpp — part of an MDP, end components collapsed, what leaves it counted as exit (internal to solvers).
#pragma once

#include <span>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/two_double.hpp"

namespace mdp::graph {

/// Undiscounted costs until exit:  V(s) = min over rows of s:  c + sum_j p_j V(j) + p_self V(s),  exit worth 0.
/// p_self is not stored: it is what p and exit leave of 1, so that rows sum to 1 exactly and, with
/// sum_j p_j + exit = 1 - p_self,  the gap of a row is  c + sum_j p_j (V(j) - V(s)) - exit V(s).
struct ReducedMdp {
  std::vector<Offset> state_rows;      ///< [n_states+1]
  std::vector<Offset> row_begin;       ///< [n_rows+1]
  std::vector<State> next_state;       ///< [n_transitions] ascending within a row, never the row's own state
  std::vector<TwoDouble> probability;  ///< [n_transitions] > 0
  std::vector<TwoDouble> exit;         ///< [n_rows] >= 0; exit + sum p > 0
  std::vector<TwoDouble> cost;         ///< [n_rows] finite
  std::vector<Offset> origin;          ///< [n_rows] row of the MDP, or -1: the row that stays in a component for ever
  /// Relative distance of every probability, exit and cost from those of the MDP meant.
  double entry_error = 0.0;
  double cost_error = 0.0;  ///< and, beyond that, absolute distance of every cost

  [[nodiscard]] State n_states() const noexcept { return static_cast<State>(state_rows.size()) - 1; }
  [[nodiscard]] Offset n_rows() const noexcept { return static_cast<Offset>(row_begin.size()) - 1; }
};

/// What becomes of the states and rows of an MDP.
struct Reduction {
  std::vector<State> state_of;        ///< [n_states] state of the reduced MDP, -1 = exit
  State n_states = 0;                 ///< of the reduced MDP
  std::span<const char> usable = {};  ///< [n_rows] rows to keep, of states that are kept; empty = all
  /// [n_rows] cost of each row; empty = those of the MDP, tails included
  std::span<const TwoDouble> cost = {};
  /// [reduced states] 1 = a row of its own that exits for certain, at cost stay_cost; empty = none
  std::vector<char> may_stay = {};
  std::vector<TwoDouble> stay_cost = {};  ///< [reduced states]; empty = zero
  double entry_error = 0.0;               ///< relative error of the entries of the MDP, beyond reduced_entry_error()
  double cost_error = 0.0;                ///< absolute error of `cost`, beyond reduced_entry_error()
  bool keep_loops = false;                ///< keep rows that never leave their reduced state too
  /// A discount below 1 instead of an undiscounted sum: in every step the rest, 1 - gamma, exits. Null = none.
  const Discount* discount = nullptr;
};

/// Probabilities are those of the MDP meant: with tails, divided by the row's sum, in twice the precision. Rows that
/// never leave their reduced state are left out. Several states of one reduced state put their rows together, in order
/// of the states; the stay row comes last.
/// entry_error: with n entries in a row, u = 2^-53: sum 3 n u^2, tails 3 n + 16 u^2 (kernels/residual.hpp), quotient 16 u^2,
/// successors merged 3 n u^2: below (12 n + 64) u^2; a discount and its products and sums are within 32 u^2 more.
/// cost_error: a successor of probability below 2^-960 by the discount is left out (it counts as p_self), which is worth
/// 2 gamma p max |cost| / (1 - gamma) at most. Costs below 2^-960 have no room for a tail: that error is not in it.
/// O(n_transitions log(row length)).
[[nodiscard]] ReducedMdp reduce(const Mdp& mdp, const Reduction& reduction);

/// The same rows on fewer states: those that are not kept become exit, worth boundary[state], which goes into the cost.
/// States are numbered in the order kept; origin is the row of `m`. Costs are within entry_error of |c| + sum p |boundary|,
/// beyond cost_error, if the boundary is exact.
/// \param keep, boundary  [m.n_states()]; an empty boundary is zero
[[nodiscard]] ReducedMdp restrict_to(const ReducedMdp& m, std::span<const char> keep,
                                     std::span<const TwoDouble> boundary = {});

/// The parts of a closed reduced MDP that no row leaves: part k has the states with part_of[s] == k, in order; origin is
/// that of m. O(size of m).
[[nodiscard]] std::vector<ReducedMdp> split(const ReducedMdp& m, std::span<const State> part_of, State n_parts);

/// [n_rows] probability of entering the set in one step, of the MDP meant, to the same relative error.
[[nodiscard]] std::vector<TwoDouble> mass_into(const Mdp& mdp, std::span<const char> set);

/// [n_rows] c + sum_j p_j (h(j) - h(s)) of the MDP meant, for finite costs: the same problem shifted by the potential h.
struct ShapedCosts {
  std::vector<TwoDouble> cost;
  double error = 0.0;  ///< bound on the absolute error
};
[[nodiscard]] ShapedCosts shaped_costs(const Mdp& mdp, std::span<const TwoDouble> h);

/// Bound on the relative error of a normalised entry, and of a sum of them: see reduce().
[[nodiscard]] double reduced_entry_error(const Mdp& mdp);

}  // namespace mdp::graph
