#pragma once

#include <cstdint>

#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"

// Small random models for tests of estimators and formulas: one to three actions a state, costs of both signs,
// a random initial distribution.
namespace mdp::tests {

Mdp random_mdp(std::uint64_t seed, State n_states, const Discount& discount);

/// Six states: 0 starts, 1 has one action, nothing reaches 4, 5 absorbs; deterministic rows among random ones, all
/// probabilities dyadic.
Mdp mixed_mdp(std::uint64_t seed, double discount);

/// Positive everywhere.
StochasticPolicy random_policy(std::uint64_t seed, const Mdp& mdp);

/// pi(a|s) = exp(logit(s,a)) / sum_b exp(logit(s,b)).
StochasticPolicy softmax_policy(const Mdp& mdp, std::span<const double> logits);

}  // namespace mdp::tests
