// solvers/applicability.hpp — which method solves which criterion, and why another does not.
#pragma once

#include <string>

#include "libmdp/mdp.hpp"
#include "solvers/criterion.hpp"
#include "solvers/options.hpp"

namespace mdp::solvers {

/// Why a method does not apply to a criterion (`improper` is read for `goal`) on this MDP, in words; "" if it does.
/// Method::automatic always applies. solve_criterion() refuses with these words.
[[nodiscard]] std::string why_not(Method method, const Mdp& mdp, Criterion criterion,
                                  Improper improper = Improper::infinite);

}  // namespace mdp::solvers
