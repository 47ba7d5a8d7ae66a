#include "solvers/end_components.hpp"

#include <utility>

#include "libmdp/graph/reachability.hpp"
#include "solvers/collapsed.hpp"

namespace mdp::solvers {
SignedComponents signed_components(const Mdp& mdp, std::span<const char> usable) {
  SignedComponents c;
  c.component = graph::maximal_end_components(mdp, usable);
  c.inside = rows_inside(mdp, c.component, usable);
  c.has_positive.assign(at(c.component.count), 0);
  c.has_negative.assign(at(c.component.count), 0);
  for (State s = 0; s < mdp.n_states(); ++s) {
    for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
      if (c.inside[at(row)] == 0) continue;
      const auto own = at(c.component.of_state[at(s)]);
      if (mdp.cost()[at(row)] > 0.0) c.has_positive[own] = 1;
      if (mdp.cost()[at(row)] < 0.0) c.has_negative[own] = 1;
    }
  }
  return c;
}

graph::RowMask free_rows(const Mdp& mdp, std::span<const char> usable) {
  graph::RowMask rows(usable.begin(), usable.end());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (mdp.cost()[row] != 0.0) rows[row] = 0;
  }
  return rows;
}

graph::StateSet states_of(const graph::Components& components, std::span<const char> marked) {
  graph::StateSet states(components.of_state.size(), 0);
  for (std::size_t s = 0; s < states.size(); ++s) {
    const State c = components.of_state[s];
    states[s] = c >= 0 && marked[at(c)] != 0 ? 1 : 0;
  }
  return states;
}

Live live_part(const Mdp& mdp) {
  // No discount: an inadmissible row ahead is met, whatever the file's discount says.
  Live live{graph::finite_value_states(mdp.with_discount(1.0)), graph::admissible_rows(mdp)};
  if (mdp.has_inadmissible()) live.rows = rows_inside(mdp, live.states, live.rows);
  return live;
}

}  // namespace mdp::solvers
