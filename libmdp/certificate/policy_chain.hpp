// libmdp/certificate/policy_chain.hpp — the chain whose value is that of a policy. Internal: needs GMP.
#pragma once

#include <span>

#include "libmdp/io/exact_model.hpp"

namespace mdp::certificate {

/// The chain of a randomised policy, one row per state: mean cost, mean of the successors, inadmissible if a row it takes is.
/// Written apart from that of the solvers: the checker relies on nothing of theirs.
///
/// \param weight     [n_rows] probabilities, >= 0, sum 1 in each state
/// \param two_signs  for `total`, which is E[sum of the positive parts] - E[sum of the negative parts]: a state whose policy pays
///                   costs of both signs pays the mean of the positive parts, then moves to a state of its own, behind all
///                   others and in their order, that pays the mean of the negative parts and moves on
[[nodiscard]] io::ExactModel policy_chain(const io::ExactModel& model, std::span<const mpq_class> weight,
                                          bool two_signs);

}  // namespace mdp::certificate
