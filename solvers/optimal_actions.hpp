// solvers/optimal_actions.hpp — which actions may be optimal, as far as bounds on V* tell (theory.md, C4, D3).
#pragma once

#include <span>
#include <vector>

#include "libmdp/graph/reachability.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/derivative.hpp"

namespace mdp::solvers {

/// Proved bounds on V*, held elsewhere.
struct ValueBounds {
  std::span<const double> lower, upper;

  /// Proved max |values - V*| over states of finite value.
  [[nodiscard]] double error(std::span<const double> values) const;
  /// Largest |bound|, and largest upper - lower, over states of finite value.
  [[nodiscard]] double max_abs() const;
  [[nodiscard]] double max_width() const;
};

/// \throws InvalidArgument unless the solution has values, a policy and bounds (or none) for every state.
void require_solution(const Mdp& mdp, const SolveResult& solution);

/// What is left of each state's actions once those that are proved to be worse are taken out (C4).
struct OptimalActions {
  std::vector<Tie> left;  ///< [n_states] actions ascending; none where the value is infinite
  /// Every action with Q* - V* > margin has been taken out: within it actions are declared tied.
  double margin = 0.0;
};

/// An action goes if its lower Q exceeds the upper V. Two passes over the transitions.
///
/// Margin. An action stays only if fl(L + gamma P lower) - e <= upper, e = bounds::sweep_error(). With
/// W = max (upper - lower):  Q* <= fl(L + gamma P lower) + e + gamma W <= upper + 2e + gamma W <= V* + 2e + (1 + gamma) W.
[[nodiscard]] OptimalActions optimal_actions(const Mdp& mdp, const ValueBounds& of, int threads);

/// Of actions with the same cost and successors, to the bit, the first stays.
void drop_duplicates(const Mdp& mdp, Tie& tie);

/// [n_rows] 1 for the actions of `left`.
[[nodiscard]] graph::RowMask rows_left(const Mdp& mdp, std::span<const Tie> left);

/// States with positive discounted occupancy under some policy that takes actions of `left` only.
[[nodiscard]] graph::StateSet visited_states(const Mdp& mdp, std::span<const Tie> left);

}  // namespace mdp::solvers
