// libmdp/each_row.hpp — the loop over all rows of all states, in order.
#pragma once

#include "libmdp/mdp.hpp"
#include "libmdp/types.hpp"

namespace mdp {

/// f(s, row) for every row of every state s, in the order of the arrays. O(n_rows) calls.
template <class F>
void for_each_row(const Mdp& mdp, F&& f) {
  for (State s = 0; s < mdp.n_states(); ++s) {
    for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) f(s, row);
  }
}

}  // namespace mdp
