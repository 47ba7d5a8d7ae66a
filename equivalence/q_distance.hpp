// equivalence/q_distance.hpp — how far apart are two solved Q*, proved.
#pragma once

#include <span>

#include "equivalence/known_values.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::equivalence {

/// Enclosure of Q^* - Q* from the enclosures of both value functions, by interval arithmetic.
struct QDistance {
  bounds::Interval norm;             ///< of ||Q^* - Q*|| over the pairs not infinite in both; 0 if there are none
  bounds::Interval difference;       ///< smallest and largest Q^* - Q*: range enclosed
  double span_bound = not_computed;  ///< >= max_s sp_a (Q^* - Q*)(s, .), pairs with both infinite apart
  double greedy_slack_bound =
      not_computed;  ///< >= max_s Q^*(s, pi(s)) - V^*(s) for the policy that was given; 0 without
  Offset row = -1;   ///< the pair with the largest upper end of |Q^* - Q*|
};

/// \param policy  [n_states] or empty: whose greediness for Q^* is bounded
/// \param shift   c: everything is about Q^* - Q* - c (T7)
/// \throws InvalidArgument unless both are certified and of the same shape. One pass over the transitions of each.
[[nodiscard]] QDistance q_distance(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                                   const KnownValues& model_values, std::span<const Action> policy = {},
                                   int threads = 0, double shift = 0.0);

}  // namespace mdp::equivalence
