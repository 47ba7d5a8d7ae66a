#include "libmdp/generate/pendulum.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/dyadic.hpp"
#include "libmdp/generate/limits.hpp"

namespace mdp::generate {
namespace {

constexpr double pi = 0x1.921fb54442d18p1;

std::string check_positive(const std::string& what, double x, double most) {
  if (x > 0.0 && x <= most) return "";
  return what + " = " + std::to_string(x) + ", required above 0 and at most " + std::to_string(most);
}

/// Where a coordinate lies between two grid points: weight 1 - part of `below`, part of `below` + 1.
struct Place {
  std::int64_t below;
  double part;
};

Place place(double coordinate) {
  const double below = std::floor(coordinate);
  return {static_cast<std::int64_t>(below), coordinate - below};
}

double grid_point(std::int64_t k, std::int64_t n, double most) {
  return most * (static_cast<double>(2 * k) / static_cast<double>(n - 1) - 1.0);
}

}  // namespace

std::string PendulumOptions::check() const {
  for (const auto& [what, n] : {std::pair{"angles", angles}, {"velocities", velocities}, {"torques", torques}}) {
    if (n < 2 || n > max_n_states) {
      return std::string(what) + " = " + std::to_string(n) + ", required 2 to " + std::to_string(max_n_states);
    }
  }
  if (angles > max_n_states / velocities) return "angles * velocities exceeds 2^31 - 2 states";
  if (auto broken = check_positive("time_step", time_step, 1.0); !broken.empty()) return broken;
  if (auto broken = check_positive("max_velocity", max_velocity, 100.0); !broken.empty()) return broken;
  return check_positive("max_torque", max_torque, 100.0);
}

Mdp pendulum(const PendulumOptions& o) {
  if (const auto broken = o.check(); !broken.empty()) throw InvalidOption("pendulum: " + broken);
  MdpBuilder builder(o.angles * o.velocities);
  builder.reserve(o.angles * o.velocities * o.torques, o.angles * o.velocities * o.torques * 4);
  builder.discount(o.discount);
  const double angle_step = 2.0 * pi / static_cast<double>(o.angles);
  for (std::int64_t i = 0; i < o.angles; ++i) {
    const double x = angle_step * static_cast<double>(i) - pi;
    const double gravity = 15.0 * sine(x);
    for (std::int64_t j = 0; j < o.velocities; ++j) {
      const double v = grid_point(j, o.velocities, o.max_velocity);
      for (std::int64_t a = 0; a < o.torques; ++a) {
        const double u = grid_point(a, o.torques, o.max_torque);
        builder.row(i * o.velocities + j, x * x + v * v / 10.0 + u * u / 1000.0);
        const double next_v = std::clamp(v + o.time_step * (gravity + 3.0 * u), -o.max_velocity, o.max_velocity);
        const Place angle = place((x + o.time_step * next_v + pi) / angle_step);
        Place speed = place((next_v / o.max_velocity + 1.0) * static_cast<double>(o.velocities - 1) / 2.0);
        if (speed.below >= o.velocities - 1) speed = {o.velocities - 2, 1.0};
        const auto state = [&](std::int64_t di, std::int64_t dj) {
          const std::int64_t turned = (angle.below + di) % o.angles;
          return (turned < 0 ? turned + o.angles : turned) * o.velocities + speed.below + dj;
        };
        const std::array<std::int64_t, 4> next = {state(0, 0), state(0, 1), state(1, 0), state(1, 1)};
        std::array<double, 4> p = {(1.0 - angle.part) * (1.0 - speed.part), (1.0 - angle.part) * speed.part,
                                   angle.part * (1.0 - speed.part), angle.part * speed.part};
        add_rounded(builder, next, p);
      }
    }
  }
  return builder.build();
}

}  // namespace mdp::generate
