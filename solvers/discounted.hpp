// solvers/discounted.hpp — from an improver to a certified answer (internal).
#pragma once

#include <functional>
#include <memory>

#include "libmdp/mdp.hpp"
#include "solvers/checkpoint.hpp"
#include "solvers/enclosure.hpp"
#include "solvers/iterate.hpp"
#include "solvers/options.hpp"
#include "solvers/result.hpp"

namespace mdp::solvers {

/// Runs the improver, encloses V*, and refines in twice the precision where doubles do not reach the accuracy.
/// \param make        makes the improver once the arguments are checked, and another for every stage
/// \param checkpoint  where to write and read the state between stages; one stage if there is neither
[[nodiscard]] SolveResult solve_discounted(const Mdp& mdp, const SolveOptions& options,
                                           const std::function<std::unique_ptr<Improver>()>& make,
                                           const EntryUncertainty& uncertainty = {},
                                           const CheckpointOptions& checkpoint = {});

}  // namespace mdp::solvers
