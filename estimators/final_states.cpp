#include "estimators/final_states.hpp"

#include <cstddef>

namespace mdp::estimators {
std::vector<char> final_states(const Mdp& mdp) {
  std::vector<char> is_final(at(mdp.n_states()), 1);
  for (State s = 0; s < mdp.n_states(); ++s) {
    for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
      const Offset first = mdp.row_begin()[at(row)];
      const bool loop = mdp.row_begin()[at(row) + 1] == first + 1 && mdp.next_state()[at(first)] == s;
      if (!loop || mdp.cost()[at(row)] != 0.0) is_final[at(s)] = 0;
    }
  }
  return is_final;
}

}  // namespace mdp::estimators
