// equivalence/tail_effect.hpp — what is lost where a constructed model is told in doubles.
//
// Constructed models have entries in twice the precision; who prints them prints doubles. Below are bounds of ||T'V - TV||, T' being
// the model's operator without the tails of its costs, or of its transitions. By T9 such a bound adds as much to epsilon, and
// 1/(1 - gamma^) times as much to the distance of Q^* and Q*. Cost: O(n_rows), O(n_transitions); nothing where there are no tails.
#pragma once

#include "libmdp/mdp.hpp"

namespace mdp::equivalence {

/// max |cost tail| over the rows of finite cost.
[[nodiscard]] double cost_tail_effect(const Mdp& model);

/// gamma^ max ||p' - p||_1 sp(V) / 2, rows divided by their sums again.
/// \param half_span  >= sp(V) / 2 over the states where V is finite
[[nodiscard]] double transition_tail_effect(const Mdp& model, double half_span);

}  // namespace mdp::equivalence
