// libmdp/generate/gridworld.hpp — walks on a grid, FrozenLake among them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::generate {

/// In which order a grid lists its four actions.
enum class MoveOrder {
  gymnasium,  ///< left, down, right, up
  clockwise   ///< up, right, down, left
};

struct GridworldOptions {
  /// Size of an empty grid: start in the top left corner, goal in the bottom right. >= 1; unused with a map.
  std::int64_t width = 10;
  std::int64_t height = 10;
  /// One string per line of the grid, top to bottom, all of the same length:
  /// 'S' start (several: equally likely; none: every state), 'F' or '.' floor, '#' wall, 'H' hole, 'G' goal.
  std::vector<std::string> map = {};
  /// Probability of moving to the left of the chosen direction, and the same to its right. [0, 1/2].
  TwoDouble slip = 0.1;
  Discount discount = 0.99;
  /// The sense of the three amounts below.
  Objective objective = Objective::minimize;
  double step_cost = 1.0;    ///< of every move from a floor cell; finite
  double goal_cost = 0.0;    ///< added to a move that enters a goal; finite
  double hole_cost = 100.0;  ///< added to a move that enters a hole; finite
  MoveOrder order = MoveOrder::gymnasium;
  bool state_names = false;  ///< name states "line,column"

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// Four actions everywhere, in the chosen order. A move goes where it is aimed with probability 1 - 2 slip;
/// where a wall or the edge of the grid is, the agent stays. Holes and goals are absorbing and free of cost;
/// goals are goal states of the MDP. States are the cells without walls, line by line.
/// \throws InvalidOption.
[[nodiscard]] Mdp gridworld(const GridworldOptions& options = {});

/// FrozenLake of Gymnasium (Towers et al., 2024), slippery: 1/3 for each direction but the opposite one, reward 1
/// for entering the goal, maximised; an episode ends in holes and at the goal, so their value is 0. Discount 99/100.
[[nodiscard]] GridworldOptions frozenlake4x4();
[[nodiscard]] GridworldOptions frozenlake8x8();

}  // namespace mdp::generate
