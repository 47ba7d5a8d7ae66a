// libmdp/generate/linear_quadratic.hpp — linear dynamics, quadratic cost, on a grid that can be refined.
#pragma once

#include <cstdint>
#include <string>

#include "libmdp/mdp.hpp"

namespace mdp::generate {

struct LinearQuadraticOptions {
  std::int64_t steps = 8;     ///< grid points per unit of length, 1 to 1000
  double extent = 4.0;        ///< states from -extent to extent; extent * steps a positive integer
  double reach = 1.0;         ///< controls from -reach to reach; reach * steps a positive integer
  double noise = 0.5;         ///< the noise is +-noise, each with probability 1/2; noise * steps an integer >= 0
  double control_cost = 1.0;  ///< r >= 0 in x^2 + r u^2; finite
  bool mean_only = false;     ///< the mean model: without the noise
  Discount discount = 0.9;    ///< [0, 1]

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// x' = clip(x + u + w), cost x^2 + r u^2, on the grid of width 1/steps: states and controls ascending. All sums of grid
/// points are grid points, so that no interpolation is needed; what is not linear-quadratic is the clipping at the ends and
/// that controls are grid points within reach.
/// The example of T11: without these, V* is a quadratic Pi x^2 + const, and the mean model satisfies T7 with
/// c = -gamma Pi noise^2 / (1 - gamma). \throws InvalidOption.
[[nodiscard]] Mdp linear_quadratic(const LinearQuadraticOptions& options = {});

/// Pi of the problem without clipping, in continuous controls: the positive root of the scalar Riccati equation
/// Pi = 1 + gamma Pi r / (r + gamma Pi). \throws InvalidOption.
[[nodiscard]] double riccati_root(const LinearQuadraticOptions& options);

}  // namespace mdp::generate
