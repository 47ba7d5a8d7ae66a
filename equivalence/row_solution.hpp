// equivalence/row_solution.hpp — what the solver of one row problem returns (internal to the room).
#pragma once

namespace mdp::equivalence {

/// In the units of the scaled x of RowProjection.
struct RowSolution {
  double multiplier = 0.0;  ///< d divergence / d tau
  double divergence = 0.0;
  double gap = 0.0;  ///< divergence - a lower bound on the least one
};

}  // namespace mdp::equivalence
