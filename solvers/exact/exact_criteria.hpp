// solvers/exact/exact_criteria.hpp — the criteria one by one, called by solve_exact() (internal; needs GMP, not installed).
#pragma once

#include "solvers/exact/exact_context.hpp"

namespace mdp::solvers {

/// [n_states] the terminal cost of `finite`, minimised sense. \throws InvalidArgument for a wrong length or -inf.
[[nodiscard]] std::vector<Extended> exact_terminal(const ExactOptions& options, std::size_t n_states);

void solve_exact_discounted(ExactContext& context, ExactAnswer& answer);
void solve_exact_finite(ExactContext& context, ExactAnswer& answer);
void solve_exact_reach(ExactContext& context, ExactAnswer& answer);
void solve_exact_total(ExactContext& context, ExactAnswer& answer);
void solve_exact_goal(ExactContext& context, ExactAnswer& answer);
void solve_exact_average(ExactContext& context, ExactAnswer& answer);

}  // namespace mdp::solvers
