// solvers/exact/decimal.hpp — rationals with a proved error as decimals (internal; needs GMP, is not installed).
#pragma once

#include <span>

#include "libmdp/io/extended.hpp"
#include "solvers/exact/refine.hpp"

namespace mdp::solvers {

/// Fills value and value_error_bound: decimals in the sense of the file, all with the same number of digits behind the point, so many that
/// n_digits of the largest stand and one more; the bound covers their rounding. Status: converged if it is at most 10^-n_digits times
/// the largest, else precision_limit with a message.
/// \param value  [n_states] minimised; \param error  of every finite one
void write_digits(RefinedResult& result, Objective objective, std::span<const io::Extended> value,
                  const mpq_class& error, int n_digits);

}  // namespace mdp::solvers
