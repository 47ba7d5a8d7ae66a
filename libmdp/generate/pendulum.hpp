// libmdp/generate/pendulum.hpp — swing up a pendulum, on a grid.
#pragma once

#include <cstdint>
#include <string>

#include "libmdp/mdp.hpp"

namespace mdp::generate {

struct PendulumOptions {
  std::int64_t angles = 51;      ///< grid points on the circle, 2 or more
  std::int64_t velocities = 51;  ///< grid points from -max_velocity to max_velocity, 2 or more
  std::int64_t torques = 5;      ///< actions, from -max_torque to max_torque, 2 or more
  double time_step = 0.05;       ///< seconds, (0, 1]
  double max_velocity = 8.0;     ///< radians per second, (0, 100]
  double max_torque = 2.0;       ///< newton metres, (0, 100]
  Discount discount = 0.99;      ///< [0, 1]

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// A rod of 1 kg and 1 m under gravity 10 m/s^2: with the angle x from upright and torque u,
///     v' = clip(v + h (15 sin x + 3 u)),  x' = x + h v' (on the circle),  cost x^2 + v^2/10 + u^2/1000.
/// The next point is spread over the four grid points around it by bilinear weights, which makes the grid a Markov
/// chain. State i velocities + j: angle -pi + 2 pi i/angles, velocity j. Long, diffusive rows; no goal.
/// \throws InvalidOption.  Source: dynamics and cost of Gymnasium's Pendulum (Towers et al., 2024); interpolation:
/// Kushner, Dupuis (2001); Munos, Moore (2002).
[[nodiscard]] Mdp pendulum(const PendulumOptions& options = {});

}  // namespace mdp::generate
