// estimators/final_states.hpp — where nothing happens any more.
#pragma once

#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::estimators {

/// [n_states] 1 = all rows of the state are cost-free self-loops: its value is 0 under every policy. O(n_rows).
[[nodiscard]] std::vector<char> final_states(const Mdp& mdp);

}  // namespace mdp::estimators
