// solvers/evaluation.hpp — the value of a given policy, certified.
#pragma once

#include <span>

#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "solvers/enclosure.hpp"
#include "solvers/options.hpp"
#include "solvers/result.hpp"

namespace mdp::solvers {

/// The Markov chain with costs that a policy makes of an MDP: an MDP with one row per state, its bounds those
/// of V^policy (theory.md, section 0: L_pi, P_pi). Rows of a deterministic policy are copied to the bit.
/// \throws InvalidArgument if the policy is not one of this MDP.
[[nodiscard]] Mdp induced_chain(const Mdp& mdp, std::span<const Action> policy);
/// The same for a randomised policy, whose probabilities are divided by their sum in each state; entries are
/// averaged in twice the precision. A row of probability 0 does not count, infinite cost or not.
[[nodiscard]] Mdp induced_chain(const Mdp& mdp, const RandomisedPolicy& policy);
/// How far the entries of that chain are from those of the MDP meant.
[[nodiscard]] EntryUncertainty mixing_uncertainty(const Mdp& mdp);

/// V^policy = L_pi + gamma P_pi V^policy, with an enclosure. SolveOptions::method is not read.
/// \throws InvalidArgument as induced_chain(), and as solve().
[[nodiscard]] EvaluationResult evaluate(const Mdp& mdp, std::span<const Action> policy,
                                        const SolveOptions& options = {});
[[nodiscard]] EvaluationResult evaluate(const Mdp& mdp, const RandomisedPolicy& policy,
                                        const SolveOptions& options = {});

}  // namespace mdp::solvers
