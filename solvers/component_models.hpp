// solvers/component_models.hpp — each end component as a closed MDP of its own (internal).
#pragma once

#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "libmdp/graph/reduce.hpp"
#include "solvers/enclosure.hpp"
#include "solvers/end_components.hpp"

namespace mdp::solvers {

/// States that some rows do not leave as an Mdp of discount 1, for kernels that want one.
struct ClosedPart {
  Mdp mdp;
  std::vector<Offset> origin;  ///< [mdp.n_rows()] the rows of the MDP that its rows are; empty: the same numbers

  [[nodiscard]] Offset row_of(Offset row) const { return origin.empty() ? row : origin[static_cast<std::size_t>(row)]; }
};
/// \param states  ascending. \param rows  [n_rows] at least one of each of the states, with all successors among them
/// Storage is shared where nothing but inadmissible rows is left out.
[[nodiscard]] ClosedPart closed_part(const Mdp& mdp, const std::vector<State>& states, std::span<const char> rows);

/// The rows inside each component, its states in order. O(n_states + n_transitions) for all.
class ComponentModels {
 public:
  /// \param most_states  components of more are reduced when part() asks for them
  ComponentModels(const Mdp& mdp, const SignedComponents& ends, const EntryUncertainty& uncertainty,
                  State most_states = std::numeric_limits<State>::max());

  [[nodiscard]] const graph::ReducedMdp& part(State component);
  /// [part states] their positions in the MDP.
  [[nodiscard]] const std::vector<State>& states(State component) const {
    return states_[static_cast<std::size_t>(component)];
  }

  /// closed_part() of the component.
  [[nodiscard]] ClosedPart closed(State component) const { return closed_part(mdp_, states(component), ends_.inside); }

 private:
  [[nodiscard]] std::vector<graph::ReducedMdp> reduced(const std::vector<char>& wanted) const;

  const Mdp& mdp_;
  const SignedComponents& ends_;
  EntryUncertainty uncertainty_;
  std::vector<std::optional<graph::ReducedMdp>> parts_;
  std::vector<std::vector<State>> states_;
};

}  // namespace mdp::solvers
