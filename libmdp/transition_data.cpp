#include "libmdp/transition_data.hpp"

#include <string>

#include "libmdp/error.hpp"

namespace mdp {

void require_valid(const Mdp& mdp, const TransitionData& data) {
  const std::size_t n = data.state.size();
  if (data.action.size() != n || data.next_state.size() != n) {
    throw InvalidArgument("transition data: columns of " + std::to_string(n) + ", " +
                          std::to_string(data.action.size()) + " and " + std::to_string(data.next_state.size()) +
                          " entries, required equal");
  }
  const auto is_state = [&mdp](State s) { return s >= 0 && s < mdp.n_states(); };
  for (std::size_t i = 0; i < n; ++i) {
    const auto refuse = [i](const std::string& what) {
      throw InvalidArgument("transition data: sample " + std::to_string(i) + ": " + what);
    };
    const State s = data.state[i];
    if (!is_state(s)) refuse("state " + std::to_string(s) + " does not exist");
    if (data.action[i] < 0 || data.action[i] >= mdp.n_actions(s)) {
      refuse("state " + mdp.state_name(s) + " has no action " + std::to_string(data.action[i]) + ", it has " +
             std::to_string(mdp.n_actions(s)));
    }
    if (!is_state(data.next_state[i])) refuse("successor " + std::to_string(data.next_state[i]) + " does not exist");
  }
}

}  // namespace mdp
