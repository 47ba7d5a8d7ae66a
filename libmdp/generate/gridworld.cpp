#include "libmdp/generate/gridworld.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"

namespace mdp::generate {
namespace {

/// Directions, clockwise.
constexpr std::array<std::string_view, 4> direction_names = {"up", "right", "down", "left"};

/// Direction of each action.
std::array<int, 4> directions(MoveOrder order) {
  return order == MoveOrder::clockwise ? std::array{0, 1, 2, 3} : std::array{3, 2, 1, 0};
}

/// The map with its walls taken out: which cell is which state.
class Grid {
 public:
  explicit Grid(const GridworldOptions& options)
      : width_(options.map.empty() ? options.width : static_cast<std::int64_t>(options.map[0].size())),
        height_(options.map.empty() ? options.height : static_cast<std::int64_t>(options.map.size())),
        map_(options.map) {
    if (map_.empty()) return;
    for (std::int64_t cell = 0; cell < width_ * height_; ++cell) {
      state_of_.push_back(kind(cell) == '#' ? -1 : n_states_++);
    }
  }

  [[nodiscard]] std::int64_t n_cells() const { return width_ * height_; }
  [[nodiscard]] std::int64_t n_states() const { return map_.empty() ? n_cells() : n_states_; }
  [[nodiscard]] std::int64_t state(std::int64_t cell) const {
    return map_.empty() ? cell : state_of_[static_cast<std::size_t>(cell)];
  }
  [[nodiscard]] std::string name(std::int64_t cell) const {
    return std::to_string(cell / width_) + "," + std::to_string(cell % width_);
  }
  [[nodiscard]] char kind(std::int64_t cell) const {
    if (map_.empty()) return cell == n_cells() - 1 ? 'G' : cell == 0 ? 'S' : 'F';
    return map_[static_cast<std::size_t>(cell / width_)][static_cast<std::size_t>(cell % width_)];
  }
  [[nodiscard]] bool is_terminal(std::int64_t cell) const { return kind(cell) == 'H' || kind(cell) == 'G'; }

  /// Where a step ends.
  [[nodiscard]] std::int64_t step(std::int64_t cell, int direction) const {
    constexpr std::array<std::int64_t, 4> down = {-1, 0, 1, 0};
    constexpr std::array<std::int64_t, 4> right = {0, 1, 0, -1};
    const auto d = static_cast<std::size_t>(direction & 3);
    const std::int64_t line = cell / width_ + down[d];
    const std::int64_t column = cell % width_ + right[d];
    if (line < 0 || line >= height_ || column < 0 || column >= width_) return cell;
    const std::int64_t target = line * width_ + column;
    return kind(target) == '#' ? cell : target;
  }

 private:
  std::int64_t width_, height_;
  const std::vector<std::string>& map_;
  std::vector<std::int64_t> state_of_;
  std::int64_t n_states_ = 0;
};

void add_rows(MdpBuilder& builder, const Grid& grid, std::int64_t cell, const GridworldOptions& options) {
  const TwoDouble ahead = TwoDouble(1.0) - options.slip * 2.0;
  for (const int aim : directions(options.order)) {
    const bool terminal = grid.is_terminal(cell);
    builder.row(grid.state(cell), terminal ? 0.0 : options.step_cost, direction_names[static_cast<std::size_t>(aim)]);
    if (terminal) {
      builder.to(grid.state(cell), 1.0);
      continue;
    }
    for (const int turn : {-1, 0, 1}) {
      const std::int64_t target = grid.step(cell, aim + turn);
      const char kind = grid.kind(target);
      const double entry = kind == 'G' ? options.goal_cost : kind == 'H' ? options.hole_cost : 0.0;
      builder.to(grid.state(target), turn == 0 ? ahead : options.slip, entry);
    }
  }
}

void add_start(MdpBuilder& builder, const Grid& grid) {
  std::vector<std::int64_t> start;
  for (std::int64_t cell = 0; cell < grid.n_cells(); ++cell) {
    if (grid.kind(cell) == 'S') start.push_back(grid.state(cell));
  }
  for (const std::int64_t state : start) builder.initial(state, 1.0 / static_cast<double>(start.size()));
}

std::string check_map(const std::vector<std::string>& map) {
  bool any_state = false;
  for (std::size_t line = 0; line < map.size(); ++line) {
    const std::string place = "map line " + std::to_string(line);
    if (map[line].size() != map[0].size()) return place + " has another length than line 0";
    for (const char c : map[line]) {
      if (std::string_view("SF.#HG").find(c) == std::string_view::npos) {
        return place + " has the character '" + c + "', required one of S F . # H G";
      }
      any_state = any_state || c != '#';
    }
  }
  return any_state ? "" : "map has no cell without a wall";
}

GridworldOptions frozenlake(std::vector<std::string> map) {
  GridworldOptions lake;
  lake.map = std::move(map);
  lake.slip = TwoDouble(1.0) / 3.0;
  lake.discount = Discount(TwoDouble(99.0) / 100.0, TwoDouble(1.0) / 100.0);
  lake.objective = Objective::maximize;
  lake.step_cost = 0.0;
  lake.goal_cost = 1.0;
  lake.hole_cost = 0.0;
  return lake;
}

}  // namespace

std::string GridworldOptions::check() const {
  constexpr std::int64_t max_states = std::numeric_limits<State>::max() - 1;
  if (map.empty()) {
    if (width < 1) return "width = " + std::to_string(width) + ", required >= 1";
    if (height < 1) return "height = " + std::to_string(height) + ", required >= 1";
    if (width > max_states / height) return "width * height exceeds 2^31 - 2";
  } else if (auto broken = check_map(map); !broken.empty()) {
    return broken;
  }
  if (!(slip.hi >= 0.0 && slip.hi <= 0.5)) return "slip = " + std::to_string(slip.hi) + ", required 0 to 0.5";
  for (const double amount : {step_cost, goal_cost, hole_cost}) {
    if (!std::isfinite(amount)) return "step_cost, goal_cost and hole_cost are required to be finite";
  }
  return "";
}

Mdp gridworld(const GridworldOptions& options) {
  if (const auto broken = options.check(); !broken.empty()) throw InvalidOption("gridworld: " + broken);
  const Grid grid(options);
  MdpBuilder builder(grid.n_states(), options.objective);
  builder.reserve(4 * grid.n_states(), 12 * grid.n_states());
  builder.discount(options.discount);
  std::vector<std::string> names;
  for (std::int64_t cell = 0; cell < grid.n_cells(); ++cell) {
    if (grid.kind(cell) == '#') continue;
    add_rows(builder, grid, cell, options);
    if (grid.kind(cell) == 'G') builder.goal(grid.state(cell));
    if (options.state_names) names.push_back(grid.name(cell));
  }
  add_start(builder, grid);
  builder.state_names(std::move(names));
  return builder.build();
}

GridworldOptions frozenlake4x4() { return frozenlake({"SFFF", "FHFH", "FFFH", "HFFG"}); }

GridworldOptions frozenlake8x8() {
  return frozenlake({"SFFFFFFF", "FFFFFFFF", "FFFHFFFF", "FFFFFHFF", "FFFHFFFF", "FHHFFFHF", "FHFFHFHF", "FFFHFFFG"});
}

}  // namespace mdp::generate
