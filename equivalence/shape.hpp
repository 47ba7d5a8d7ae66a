// equivalence/shape.hpp — may these two MDPs play world and model to each other?
#pragma once

#include <string>

#include "libmdp/mdp.hpp"

namespace mdp::equivalence {

/// World and model are matched by position (theory.md, section 0): the same number of states, the same number of
/// actions in each state, the same objective; where both name a state or an action, the names agree.
/// Costs, transitions, discount, initial distribution and goals may differ.
/// \param role  of the other one, for the message
/// \throws InvalidArgument naming the first difference. Cost O(n_rows).
void require_same_shape(const Mdp& world, const Mdp& model, const std::string& role = "model");

}  // namespace mdp::equivalence
