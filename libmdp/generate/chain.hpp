// libmdp/generate/chain.hpp — long chains to a goal: slow, and numerically hard.
#pragma once

#include <cstdint>
#include <string>

#include "libmdp/mdp.hpp"

namespace mdp::generate {

struct ChainOptions {
  std::int64_t states = 10000;  ///< 1 .. 2^31 - 2
  Discount discount = 0.9999;   ///< [0, 1]
  std::uint64_t seed = 1;

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// States 0 .. n-1 in a line, n-1 the goal, absorbing and free. Three actions, clipped to the line: walk (+1 with
/// probability 0.9, else stay), run (+5 with 0.85, else -20), leap (+50 with 0.56, else -60), at 1, 1.5 and 2 times a
/// cost uniform on [0.5, 1.5), drawn per row. Information travels a few states a sweep: n sweeps and more.
/// Row r depends on (seed, r) only. \throws InvalidOption.
[[nodiscard]] Mdp chain(const ChainOptions& options = {});

struct HaddadMonmegeOptions {
  std::int64_t length = 20;   ///< steps in a row that reach an end, 1 .. 2^30
  double advance = 0.5;       ///< probability of a step; (0, 1]
  double first_branch = 0.7;  ///< probability of the first of the two branches; [0, 1]
  Discount discount = 1.0;    ///< [0, 1]

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// The chain on which value iteration stops far from the truth: from state 0 into one of two branches of `length`
/// states, each step of which falls back to 0 with probability 1 - advance; cost 1 a step, goal at both ends. One action.
/// State 1 + 2k + b is state k of branch b; the expected number of steps is of the order of advance^-(length-1).
/// \throws InvalidOption.  Source: Haddad, Monmege, "Interval iteration algorithm for MDPs and IMDPs" (2018).
[[nodiscard]] Mdp haddad_monmege(const HaddadMonmegeOptions& options = {});

}  // namespace mdp::generate
