#include "solvers/component_models.hpp"

namespace mdp::solvers {

ComponentModels::ComponentModels(const Mdp& mdp, const SignedComponents& ends, const EntryUncertainty& uncertainty)
    : states_(static_cast<std::size_t>(ends.component.count)) {
  graph::Reduction reduction;
  reduction.state_of.assign(ends.component.of_state.size(), -1);
  reduction.usable = ends.inside;
  reduction.keep_loops = true;
  reduction.entry_error = uncertainty.probability;
  reduction.cost_error = uncertainty.cost;
  std::vector<State> part_of;
  for (std::size_t s = 0; s < ends.component.of_state.size(); ++s) {
    const State c = ends.component.of_state[s];
    if (c < 0) continue;
    reduction.state_of[s] = reduction.n_states++;
    part_of.push_back(c);
    states_[static_cast<std::size_t>(c)].push_back(static_cast<State>(s));
  }
  parts_ = graph::split(graph::reduce(mdp, reduction), part_of, ends.component.count);
}

}  // namespace mdp::solvers
