// solvers/end_components.hpp — where a policy can stay for ever, and what it pays there (internal).
#pragma once

#include <span>
#include <vector>

#include "libmdp/graph/closure.hpp"
#include "libmdp/graph/components.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::solvers {

/// Maximal end components of some rows, and the signs of the costs that can be paid in them again and again.
struct SignedComponents {
  graph::Components component;
  graph::RowMask inside;           ///< [n_rows] rows that stay in the component of their state
  std::vector<char> has_positive;  ///< [count] 1 = some row inside costs > 0
  std::vector<char> has_negative;  ///< [count] 1 = some row inside costs < 0
};
[[nodiscard]] SignedComponents signed_components(const Mdp& mdp, std::span<const char> usable);

/// Rows of `usable` that cost nothing.
[[nodiscard]] graph::RowMask free_rows(const Mdp& mdp, std::span<const char> usable);

/// States of the components that are marked.
[[nodiscard]] graph::StateSet states_of(const graph::Components& components, std::span<const char> marked);

/// States from which some policy never meets an inadmissible row, and the rows by which it goes on so.
struct Live {
  graph::StateSet states;
  graph::RowMask rows;
};
[[nodiscard]] Live live_part(const Mdp& mdp);

}  // namespace mdp::solvers
