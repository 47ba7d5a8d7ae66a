// solvers/exact_component.hpp — the gain of a small end component in rationals, where doubles do not tell it (internal).
#pragma once

#include <optional>
#include <span>

#include "libmdp/graph/reduce.hpp"

namespace mdp::solvers {

struct ExactComponentGain {
  double lower = 0.0, upper = 0.0;  ///< of g*, the errors of the entries included
  std::vector<Offset> rows;         ///< [n_states] a policy of that gain
};

/// Least gain of a communicating MDP by policy iteration in rationals (least_exact_gain()), for nearly decomposable ones: their
/// relative values are as large as powers of 1/leak, more than two doubles hold, while the gain is a mean of costs.
///
/// The entries are taken as they are. Those of the MDP meant differ by a factor in [1 - e, 1 + e]: the stationary law of a class of n
/// states is a ratio of sums of products of n - 1 probabilities of moves between states (Markov chain tree theorem), so that
/// each of its entries moves by a factor in [q^-1, q], q = ((1+e)/(1-e))^(n-1) (O'Cinneide 1993). A gain g is the least cost c_min
/// plus a mean of numbers c - c_min >= 0, so that it moves by at most (q - 1 + e) (g - c_min + 2 |c_min|) + cost_error: however large the costs
/// are that a policy does not pay. That grows with g, so that it bounds how far the least of the gains moves.
/// \param m      closed
/// \param start  [n_states] rows to start from
/// Nothing if the numbers would be too long.
[[nodiscard]] std::optional<ExactComponentGain> exact_component_gain(const graph::ReducedMdp& m,
                                                                     std::span<const Offset> start);

}  // namespace mdp::solvers
