// solvers/rooted_gain.hpp — gain and relative values of a policy of one recurrent class, by elimination (internal).
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "libmdp/graph/reduce.hpp"

namespace mdp::solvers {

/// Gain and relative values of a policy of one recurrent class:  h(s) + g = c + P h,  h(root) = 0.
struct RootedGain {
  bool good = false;  ///< false: out of the range of doubles, or factors too large
  TwoDouble gain;
  double gain_error = infinity;
  std::vector<TwoDouble> relative_value;  ///< [n_states]
  std::vector<double> value_error;        ///< [n_states] of the relative values; 0 at the root
};

/// Elimination gives up when its factors have more entries: a recurrent class has no other solver to the same accuracy.
inline constexpr double most_gain_factor_entries = 4e7;

/// \param m     closed: no exits (Reduction::keep_loops)
/// \param rows  [n_states] policy under which every state reaches `root`
/// \param max_entries  of the factors
/// \param keep_going   false: give up, not good; empty = always
/// Renewal theory: g = E[cost of a cycle] / E[length of a cycle], both by Elimination with the root as exit; h is the
/// cost until the root less g times the time. Positive and negative costs apart, so that each of the three has the relative error of
/// the elimination: the errors follow by adding up.
[[nodiscard]] RootedGain evaluate_gain(const graph::ReducedMdp& m, std::span<const Offset> rows, State root,
                                       double max_entries = most_gain_factor_entries,
                                       const std::function<bool()>& keep_going = {});

/// A problem with costs of about 1: nothing overflows, and what is too small beside the largest is left out, an error of the costs.
struct Normalised {
  graph::ReducedMdp m;
  int exponent = 0;  ///< costs are those of before times 2^-exponent
};
/// Nothing where costs are in range as they are.
[[nodiscard]] std::optional<Normalised> normalised(const graph::ReducedMdp& m);
/// x 2^by; and a bound in those units, rounded up, 0 staying 0.
[[nodiscard]] TwoDouble shifted(TwoDouble x, int by);
[[nodiscard]] double shifted_bound(double x, int by);

/// All states but the root, which is the exit.
[[nodiscard]] graph::ReducedMdp rooted(const graph::ReducedMdp& m, State root);
/// Position of a state among those that are not the root.
[[nodiscard]] std::size_t besides(State s, State root);
/// The rows of a policy in rooted().
[[nodiscard]] std::vector<Offset> rows_besides(const graph::ReducedMdp& part, std::span<const Offset> rows, State root);

}  // namespace mdp::solvers
