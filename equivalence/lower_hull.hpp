// equivalence/lower_hull.hpp — the lower convex hull of points in the plane (internal to the room).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace mdp::equivalence {

/// Vertices of the lower convex hull of (x[i], y[i]), i in `order`, from left to right: the graph of the largest convex
/// function below the points. Of points above each other the lowest counts, of equal ones the first.
/// \param order  positions with x ascending.  O(|order|). Source: Andrew (1979).
inline void lower_hull(std::span<const std::size_t> order, std::span<const double> x, std::span<const double> y,
                       std::vector<std::size_t>& hull) {
  hull.clear();
  for (const std::size_t k : order) {
    if (!hull.empty() && x[hull.back()] == x[k]) {
      if (y[hull.back()] <= y[k]) continue;
      hull.pop_back();
    }
    while (hull.size() >= 2) {  // drop the middle one where it is not below the chord
      const std::size_t i = hull[hull.size() - 2];
      const std::size_t j = hull.back();
      if ((y[j] - y[i]) * (x[k] - x[j]) < (y[k] - y[j]) * (x[j] - x[i])) break;
      hull.pop_back();
    }
    hull.push_back(k);
  }
}

}  // namespace mdp::equivalence
