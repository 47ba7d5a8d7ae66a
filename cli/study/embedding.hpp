// cli/study/embedding.hpp — where the states of a generated world lie.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "cli/study/config.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::cli::study {

/// Coordinates of the states: column and line in a gridworld, the two stocks in an inventory.
struct Positions {
  int dimension = 2;
  std::vector<double> coordinates;                        ///< [n_states * 2], state by state
  std::function<State(std::span<const double>)> nearest;  ///< O(1) where states fill a rectangle, else empty
};

/// \throws InvalidArgument for worlds of another kind.
[[nodiscard]] Positions positions_of(const WorldConfig& config, const Mdp& world);

/// A grid as drawn: its size, and the cell of each state.
struct Grid {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::vector<std::int64_t> cell_of_state;  ///< [n_states] line * width + column
  std::vector<std::string> map;             ///< [height] letters; all '.' for an empty grid
};

[[nodiscard]] Grid grid_of(const generate::GridworldOptions& options);

}  // namespace mdp::cli::study
