// libmdp/policy.hpp — decisions: one action per state, or probabilities over a state's rows.
#pragma once

#include <span>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp {

/// Deterministic stationary policy: [n_states] action position within the state.
using Policy = std::vector<Action>;

/// Randomised stationary policy: [n_rows], non-negative, sums to 1 over the rows of each state.
using StochasticPolicy = std::vector<double>;

/// \throws InvalidArgument naming the first state whose action does not exist.
void require_valid(const Mdp& mdp, std::span<const Action> policy);
/// \throws InvalidArgument naming the first state whose probabilities are not a distribution
/// (negative, not finite, or sum further than 1e-9 from 1).
void require_valid(const Mdp& mdp, std::span<const double> stochastic_policy);

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
