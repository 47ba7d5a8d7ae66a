// equivalence/nearest_in_hull.hpp — the point of a convex hull nearest the origin (internal to the room).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace mdp::equivalence {

/// min |sum_i weight_i point_i| over weights >= 0 that sum to 1, by Wolfe (1976), "Finding the nearest point in a polytope".
/// At most dimension + 1 weights are not 0.
struct NearestInHull {
  std::vector<std::size_t> corral;  ///< points with weight > 0
  std::vector<double> weight;       ///< of those, sums to 1 but for rounding
  std::vector<double> nearest;      ///< [dimension]
  double square = 0.0;              ///< |nearest|^2
  /// |nearest|^2 - min_i <nearest, point_i>, >= 0: no point of the hull is nearer the origin than |nearest| - gap/|nearest|
  /// (<nearest, y> >= |nearest|^2 - gap for every y of it).
  double gap = 0.0;
};

/// \param points     [n * dimension], point by point; n >= 1
/// \param dimension  >= 1
/// Ties to the lowest point. Stops where no point is nearer by more than rounding. Cost O(n dimension + dimension^3) a step,
/// few steps in practice.
[[nodiscard]] NearestInHull nearest_in_hull(std::span<const double> points, std::size_t dimension);

}  // namespace mdp::equivalence
