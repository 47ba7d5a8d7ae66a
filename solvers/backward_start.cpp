#include "solvers/backward_start.hpp"

#include <algorithm>
#include <utility>

#include "libmdp/kernels/backward_search.hpp"

namespace mdp::solvers {

bool start_backward(const Mdp& mdp, Iterate& it) {
  if (!kernels::has_absorbing_state(mdp)) return false;
  auto found = kernels::search_backward(mdp);
  if (found.n_reached == 0) return false;
  const double complement = mdp.exact_discount().complement.value();
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (!(it.v[s] < infinity)) continue;
    it.v[s] = found.value[s];
    if (it.v[s] < infinity) continue;
    const auto first = mdp.cost().begin() + mdp.state_rows()[s];
    const auto least = std::min_element(first, first + mdp.n_actions(s));
    it.v[s] = *least / complement;
    found.policy[s] = static_cast<Action>(least - first);
  }
  it.policy = std::move(found.policy);
  return true;
}

}  // namespace mdp::solvers
