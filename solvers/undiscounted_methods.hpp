// solvers/undiscounted_methods.hpp — which methods solve the criteria without a discount, and why others do not (internal).
#pragma once

#include <string>

#include "solvers/criterion.hpp"

namespace mdp::solvers {

/// "" if the method applies, else the reason: the table of docs/criteria.md.
[[nodiscard]] std::string why_not_undiscounted(Method method, Criterion criterion);

}  // namespace mdp::solvers
