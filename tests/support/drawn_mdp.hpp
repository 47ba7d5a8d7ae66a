#pragma once

#include <cstdint>
#include <string>

#include "libmdp/mdp.hpp"

// Small MDPs of many shapes, for tests that compare with rationals: every generator of the library with drawn parameters, and
// shapes that it lacks. Both objectives, costs of either or both signs, goal states or none.
namespace mdp::tests {

struct DrawnMdp {
  std::string family;  ///< "chain", "queue", …
  Mdp mdp;             ///< discount below 1
  /// Costs so far apart that sums of them cancel in any number of doubles: a status other than converged may be right.
  bool extreme = false;
};

/// Number of families: seeds that differ by a multiple of it draw from the same one.
[[nodiscard]] std::uint64_t n_drawn_families();

/// At most about 40 states. Depends on the seed alone.
[[nodiscard]] DrawnMdp draw_mdp(std::uint64_t seed);

}  // namespace mdp::tests
