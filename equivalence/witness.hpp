// equivalence/witness.hpp — how a model gets to the pairs where TC(a) fails (internal to the room).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "equivalence/scope.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::equivalence {

/// The first `max_witnesses` violations by row, with shortest paths: breadth first in the model from the world's initial
/// states with finite V*, by pairs with Q* < inf, through states with finite V*. maybe_optimal is left false.
/// \param values   [n_states] V* of the world
/// \param q        [n_rows] Q* of the world
/// \param cost     [n_rows] L^: a violation is a row with finite q and infinite cost
[[nodiscard]] std::vector<Violation> find_witnesses(const Mdp& world, std::span<const double> values, const Mdp& model,
                                                    std::span<const double> q, std::span<const double> cost,
                                                    std::int64_t max_witnesses);

/// The violation at one row, in words: where the model gets to, and how it gets to the pair by rows of finite cost.
[[nodiscard]] std::string violation_text(const Mdp& world, std::span<const double> values, const Mdp& model,
                                         Offset row);

}  // namespace mdp::equivalence
