// equivalence/q_table.hpp — Q = L + gamma P V in twice the precision (internal to the room).
#pragma once

#include <span>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/two_double.hpp"

namespace mdp::equivalence {

/// One Bellman step of values V.
struct QTable {
  std::vector<TwoDouble> q;        ///< [n_rows] Q = L + gamma P V; +inf where L or the expectation is
  std::vector<TwoDouble> minimum;  ///< [n_states] W(s) = min_a Q(s,a)
  double rounding_bound = 0.0;     ///< >= |computed - exact Q| at every finite pair, entries as meant
  double max_abs_value = 0.0;      ///< largest finite |V| and |W|
};

/// The values with V* = 0 put in at the goal states of `mdp`, where it is known.
[[nodiscard]] std::vector<double> with_goal_values(const Mdp& mdp, std::span<const double> values);

/// \param values  [n_states] as with_goal_values() returns them, require_valid()
[[nodiscard]] QTable q_table(const Mdp& mdp, std::span<const double> values, int threads);

}  // namespace mdp::equivalence
