#include "cli/study/embedding.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/error.hpp"

namespace mdp::cli::study {

Grid grid_of(const generate::GridworldOptions& options) {
  Grid grid;
  if (options.map.empty()) {
    grid.map.assign(static_cast<std::size_t>(options.height),
                    std::string(static_cast<std::size_t>(options.width), '.'));
    grid.map.front().front() = 'S';
    grid.map.back().back() = 'G';
  } else {
    grid.map = options.map;
  }
  grid.height = static_cast<std::int64_t>(grid.map.size());
  grid.width = static_cast<std::int64_t>(grid.map.front().size());
  for (std::int64_t cell = 0; cell < grid.width * grid.height; ++cell) {
    const char letter =
        grid.map[static_cast<std::size_t>(cell / grid.width)][static_cast<std::size_t>(cell % grid.width)];
    if (letter != '#') grid.cell_of_state.push_back(cell);
  }
  return grid;
}

Positions positions_of(const WorldConfig& config, const Mdp& world) {
  Positions positions;
  const auto add = [&](std::int64_t first, std::int64_t second) {
    positions.coordinates.push_back(static_cast<double>(first));
    positions.coordinates.push_back(static_cast<double>(second));
  };
  if (config.kind == "gridworld") {
    const Grid grid = grid_of(config.gridworld);
    for (const std::int64_t cell : grid.cell_of_state) add(cell / grid.width, cell % grid.width);
    return positions;
  }
  if (config.kind != "inventory") throw InvalidArgument("a mean model needs a gridworld or an inventory");
  const std::int64_t stocks = config.inventory.capacity + 1;
  for (State s = 0; s < world.n_states(); ++s) add(s / stocks, s % stocks);
  positions.nearest = [stocks](std::span<const double> x) {
    const auto rounded = [&](double stock) {  // half way: the lower stock, as the lowest state asks
      return std::clamp(static_cast<std::int64_t>(std::ceil(stock - 0.5)), std::int64_t{0}, stocks - 1);
    };
    return static_cast<State>(rounded(x[0]) * stocks + rounded(x[1]));
  };
  return positions;
}

}  // namespace mdp::cli::study
