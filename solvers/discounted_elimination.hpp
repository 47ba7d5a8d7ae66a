// solvers/discounted_elimination.hpp — discounted values, each to a relative accuracy of its own (internal).
#pragma once

#include <optional>
#include <span>

#include "libmdp/graph/reachability.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/enclosure.hpp"
#include "solvers/run.hpp"

namespace mdp::solvers {

/// V* of the discounted criterion as a least cost until exit: in every step 1 - gamma exits (solve_absorbing()). C1 has one bound for all
/// states, so that a state of tiny values pays for the rounding of huge ones that it never reaches; elimination without a
/// subtraction knows every state to some 25 digits of what is paid from there without regard to signs. Costs of 1e-300 and
/// 1e90 in one model are no problem.
/// \param finite  [n_states] graph::finite_value_states()
/// \param values  [n_states] whose greedy policy is started from
/// \return nothing if the factors are too large, or out of the range of doubles; else proved bounds, whatever stopped the run
[[nodiscard]] std::optional<Enclosure> enclose_by_elimination(const Mdp& mdp, const graph::StateSet& finite,
                                                              const EntryUncertainty& uncertainty,
                                                              std::span<const double> values, Run& run);

/// Bound on what the factors of that may take.
[[nodiscard]] double most_elimination_bytes(State n_states);

}  // namespace mdp::solvers
