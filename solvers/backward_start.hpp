// solvers/backward_start.hpp — a first V and policy from a search backwards (internal).
#pragma once

#include "libmdp/mdp.hpp"
#include "solvers/iterate.hpp"

namespace mdp::solvers {

/// V and the policy of search_backward() at the states of finite value; where no absorbing state can be reached, the least
/// cost for ever, and its action. False, and nothing is changed, if no state is reached.
bool start_backward(const Mdp& mdp, Iterate& it);

}  // namespace mdp::solvers
