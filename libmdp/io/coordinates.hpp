// libmdp/io/coordinates.hpp — where states lie.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mdp::io {

/// A point per state.
struct Coordinates {
  int dimension = 0;           ///< >= 1
  std::vector<double> values;  ///< [n_states * dimension], state by state; finite
};

/// Reads .npy of shape [n_states] or [n_states, dimension], or a JSON array with, per state, a number or an array of numbers.
/// \throws InputError naming the entry.
[[nodiscard]] Coordinates read_coordinates(const std::string& path, std::int64_t n_states);

}  // namespace mdp::io
