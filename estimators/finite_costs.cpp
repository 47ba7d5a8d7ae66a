#include "estimators/finite_costs.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "libmdp/error.hpp"
#include "libmdp/graph/reachability.hpp"
#include "libmdp/policy.hpp"

namespace mdp::estimators {

void require_finite_return(const Mdp& mdp, std::span<const double> stochastic_policy) {
  require_valid(mdp, stochastic_policy);
  if (!mdp.has_inadmissible()) return;
  std::vector<char> taken(stochastic_policy.size());
  for (std::size_t row = 0; row < taken.size(); ++row) taken[row] = stochastic_policy[row] > 0.0;
  const graph::StateSet reached = graph::reachable_states(mdp, taken);
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (reached[static_cast<std::size_t>(s)] == 0) continue;
    for (Offset a = 0; a < mdp.n_actions(s); ++a) {
      const Offset row = mdp.state_rows()[static_cast<std::size_t>(s)] + a;
      if (taken[static_cast<std::size_t>(row)] != 0 && mdp.cost()[static_cast<std::size_t>(row)] == infinity) {
        throw InvalidArgument("the policy takes the inadmissible action " + mdp.action_name(row) + " in state " +
                              mdp.state_name(s) + ", which it reaches: its return is infinite");
      }
    }
  }
}

void require_valid_baseline(const Mdp& mdp, std::span<const double> baseline) {
  if (!baseline.empty() && baseline.size() != static_cast<std::size_t>(mdp.n_states())) {
    throw InvalidArgument("baseline has " + std::to_string(baseline.size()) +
                          " entries, required n_states = " + std::to_string(mdp.n_states()));
  }
  for (std::size_t s = 0; s < baseline.size(); ++s) {
    if (!std::isfinite(baseline[s])) {
      throw InvalidArgument("baseline of state " + mdp.state_name(static_cast<State>(s)) + " is not finite");
    }
  }
}

}  // namespace mdp::estimators
