// libmdp/policy.hpp — decisions: one action per state, or probabilities over a state's rows.
#pragma once

#include <span>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/two_double.hpp"

namespace mdp {

/// Deterministic stationary policy: [n_states] action position within the state.
using Policy = std::vector<Action>;

/// Randomised stationary policy: [n_rows], non-negative, sums to 1 over the rows of each state.
using StochasticPolicy = std::vector<double>;

/// A randomised policy to more than a double: [n_rows] probability + tail, as texts that write 1/10 mean it. A
/// StochasticPolicy converts to one without tails. Refers to its arrays.
struct RandomisedPolicy {
  std::span<const double> probability;
  std::span<const double> tail = {};  ///< [n_rows] or empty; |tail| <= ulp(probability) / 2

  RandomisedPolicy(std::span<const double> doubles, std::span<const double> tails = {})  // NOLINT: doubles are one
      : probability(doubles), tail(tails) {}
  RandomisedPolicy(const StochasticPolicy& doubles) : probability(doubles) {}  // NOLINT: doubles are one

  [[nodiscard]] TwoDouble operator[](Offset row) const {
    const auto i = static_cast<std::size_t>(row);
    return {probability[i], tail.empty() ? 0.0 : tail[i]};
  }
};

/// \throws InvalidArgument naming the first state whose action does not exist.
void require_valid(const Mdp& mdp, std::span<const Action> policy);
/// \throws InvalidArgument naming the first state whose probabilities are not a distribution
/// (negative, not finite, or sum further than 1e-9 from 1), or the first tail that is none.
void require_valid(const Mdp& mdp, const RandomisedPolicy& policy);

/// Row that a deterministic policy selects in a state.
[[nodiscard]] inline Offset selected_row(const Mdp& mdp, std::span<const Action> policy, State s) {
  return mdp.state_rows()[static_cast<std::size_t>(s)] + policy[static_cast<std::size_t>(s)];
}

/// The deterministic policy as probabilities. O(n_rows).
[[nodiscard]] StochasticPolicy to_stochastic(const Mdp& mdp, std::span<const Action> policy);
/// Every available action equally likely.
[[nodiscard]] StochasticPolicy uniform_policy(const Mdp& mdp);

/// Values [any shape] in the sense of the file: negated if `objective` is maximize. Its own inverse.
[[nodiscard]] std::vector<double> in_sense(Objective objective, std::span<const double> costs);

}  // namespace mdp
