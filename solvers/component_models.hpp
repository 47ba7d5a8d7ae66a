// solvers/component_models.hpp — each end component as a closed MDP of its own (internal).
#pragma once

#include <vector>

#include "libmdp/graph/reduce.hpp"
#include "solvers/enclosure.hpp"
#include "solvers/end_components.hpp"

namespace mdp::solvers {

/// The rows inside each component, its states in order. O(n_states + n_transitions) for all.
class ComponentModels {
 public:
  ComponentModels(const Mdp& mdp, const SignedComponents& ends, const EntryUncertainty& uncertainty);

  [[nodiscard]] const graph::ReducedMdp& part(State component) const {
    return parts_[static_cast<std::size_t>(component)];
  }
  /// [part states] their positions in the MDP.
  [[nodiscard]] const std::vector<State>& states(State component) const {
    return states_[static_cast<std::size_t>(component)];
  }

 private:
  std::vector<graph::ReducedMdp> parts_;
  std::vector<std::vector<State>> states_;
};

}  // namespace mdp::solvers
