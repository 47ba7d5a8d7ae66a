// solvers/exact/exact_gain.hpp — gain and potential of an average-cost problem, in rationals (internal; needs GMP).
#pragma once

#include <span>
#include <vector>

#include "solvers/exact/exact_context.hpp"

namespace mdp::solvers {

/// g and h of a chain:  P g = g,  h + g = c + P h.
struct ChainGain {
  ExactEnd end = ExactEnd::stopped;
  ExactSize size;
  std::vector<mpq_class> gain;       ///< [n]
  std::vector<mpq_class> potential;  ///< [n] 0 at the lowest state of each recurrent class
  std::vector<mpq_class> bias;       ///< [n] P* bias = 0; only if asked for
};

/// The recurrent classes are those components that no row leaves. With the rows that enter the lowest state r of each class taken
/// out, Q, the chain leaves from everywhere: T = 1 + Q T and C = c + Q C are the time and the cost until an r, so that
/// g(r) = C(r)/T(r), and g = P_r g(r) + Q g, h = c - g + Q h give the rest (h(r) = 0 comes out). The mean of h over a
/// class, in the same way from W = h + Q W, turns h into the bias.
[[nodiscard]] ChainGain gain_of_chain(const std::vector<RationalRow>& rows, std::span<const mpq_class> cost,
                                      const ExactRun& run, bool with_bias);

/// Least gain g* of the rows of `usable` on a set of states that they keep to, by Howard's policy iteration for multichain models
/// (Puterman 1994, section 9.2):  P g >= g on every row, and c - g + P h >= h on those with P g = g; equal on the rows taken.
/// That proves the gain: with h + M g for h, M large, the second holds on every row, and g <= the gain of any policy follows
/// by summing it.
struct ExactGain {
  ExactEnd end = ExactEnd::stopped;
  ExactSize size;
  std::vector<mpq_class> gain, potential;  ///< [n_states] 0 outside the set
  std::vector<Offset> rows;                ///< [n_states] taken, -1 outside the set
  std::vector<char> tied;                  ///< [n_rows] 1 = equal in both
};

/// \param start  [n_states] a row of each state of the set, from `usable`
[[nodiscard]] ExactGain least_exact_gain(ExactContext& context, std::span<const char> states,
                                         std::span<const char> usable, std::vector<Offset> start);

/// [n_states] the row of the context's policy to start from where it is usable, else the lowest usable one; -1 outside the set.
[[nodiscard]] std::vector<Offset> usable_start(const ExactContext& context, std::span<const char> states,
                                               std::span<const char> usable);

}  // namespace mdp::solvers
