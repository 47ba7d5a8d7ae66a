// equivalence/known_values.hpp — V* of an MDP, as far as somebody knows it.
#pragma once

#include <span>

#include "libmdp/mdp.hpp"
#include "libmdp/status.hpp"

namespace mdp::solvers {
struct SolveResult;
}

namespace mdp::equivalence {

/// Optimal values V* with their enclosure, in cost sense; a view, nothing is copied.
///
/// States with V* = inf hold +inf in all three arrays: the set {V* = inf} is known, not estimated.
/// Without an enclosure (`lower`, `upper` empty) every result that rests on these values is *approximate*
/// and its bounds are not_computed.
struct KnownValues {
  std::span<const double> values;  ///< [n_states]
  std::span<const double> lower;   ///< [n_states] or empty: lower <= V*
  std::span<const double> upper;   ///< [n_states] or empty: V* <= upper

  KnownValues() = default;
  KnownValues(std::span<const double> v, std::span<const double> v_lower = {}, std::span<const double> v_upper = {})
      : values(v), lower(v_lower), upper(v_upper) {}
  /// What a solver found; `result` must outlive this view. A solver stopped before its first bounds leaves no enclosure.
  KnownValues(const solvers::SolveResult& result);  // NOLINT(google-explicit-constructor): a view of it

  [[nodiscard]] bool certified() const noexcept { return !lower.empty(); }
  [[nodiscard]] Level level() const noexcept { return certified() ? Level::certified : Level::approximate; }
  /// Largest |V* - values| over states with finite V*, rounded up; not_computed without an enclosure. O(n_states).
  [[nodiscard]] double radius() const;
};

/// \throws InvalidArgument unless the arrays have one entry per state, none is NaN or -inf, lower <= upper, +inf stands
/// at the same states in all three, and V = +inf exactly where every action costs +inf or may lead to such a state.
/// \param name  of the values in the message ("world")
/// Cost O(n_states), or O(n_transitions) if something is infinite.
void require_valid(const Mdp& mdp, const KnownValues& values, const char* name);

/// The same, and an enclosure must be there. \throws InvalidArgument.
void require_certified(const Mdp& mdp, const KnownValues& values, const char* name);

}  // namespace mdp::equivalence
