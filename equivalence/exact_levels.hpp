// equivalence/exact_levels.hpp — the levels of equivalence in rationals (internal; needs GMP, is not installed).
#pragma once

#include "equivalence/levels.hpp"
#include "libmdp/io/exact_model.hpp"
#include "solvers/options.hpp"

namespace mdp::equivalence {

/// Models of up to this many states are decided exactly without being asked.
inline constexpr std::int64_t exact_levels_states = 500;

/// Replaces the verdicts of check_levels() by exact ones: both MDPs solved in rationals, Q* compared number by number, E2 by
/// decide_policy_equivalence(), and the numbers of the candidate: Delta, ||Q^* - Q*|| and what the model's policy loses, by those of rationals
/// rounded. `precision` becomes exact; it stays as it was, and the message says why, if a limit of `options` stops a
/// solve. \param names  an Mdp of the same shape, for messages
/// \throws InvalidArgument unless the discounts are below 1.
void decide_exactly(const Mdp& names, const io::ExactModel& world, const io::ExactModel& model,
                    const solvers::SolveOptions& options, LevelsResult& result);

}  // namespace mdp::equivalence
