// solvers/discounted.hpp — from an improver to a certified answer (internal).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "libmdp/mdp.hpp"
#include "solvers/iterate.hpp"
#include "solvers/options.hpp"
#include "solvers/result.hpp"

namespace mdp::solvers {

/// Runs the improver, encloses V*, and refines in twice the precision where doubles do not reach the accuracy.
/// \param make               makes the improver once the arguments are checked
/// \param why                first sentence of the message: why this method
/// \param entry_uncertainty  see kernels::row_gap_error()
[[nodiscard]] SolveResult solve_discounted(const Mdp& mdp, const SolveOptions& options,
                                           const std::function<std::unique_ptr<Improver>()>& make,
                                           const std::string& why = {}, double entry_uncertainty = 0.0);

}  // namespace mdp::solvers
