// equivalence/transport.hpp — the least cost of moving one distribution into another (internal to the room).
#pragma once

#include <functional>
#include <span>
#include <vector>

namespace mdp::equivalence {

/// min sum x_ij c_ij  over x >= 0 with row sums `supply` and column sums `demand` (equal totals but for rounding; what is left
/// over is not moved). By successive shortest paths with potentials (Ahuja, Magnanti and Orlin 1993, section 9.7): at most
/// n + m augmentations each of O(n m) on a dense bipartite graph in practice. c_ij >= 0, +inf = forbidden.
/// \returns the cost; +inf if mass has to use a forbidden arc
[[nodiscard]] double transport_cost(std::span<const double> supply, std::span<const double> demand,
                                    const std::function<double(std::size_t, std::size_t)>& cost);

}  // namespace mdp::equivalence
