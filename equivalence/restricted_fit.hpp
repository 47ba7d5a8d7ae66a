// equivalence/restricted_fit.hpp — the most likely model in a class that cannot hold every model (T11).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "equivalence/fit.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/transition_data.hpp"

namespace mdp::equivalence {

/// The k most probable successors of each row, ties to the lowest states, divided by their sum: of the models with at most k
/// successors a row, on a maximum-likelihood fit, the one that explains the most samples, and those most likely.
/// \throws InvalidOption unless k >= 1. O(n_transitions log k).
[[nodiscard]] Mdp k_point_model(const Mdp& mdp, std::int64_t k);

/// Maximum likelihood where states of a cluster act alike:
///     rho^(s'|s,a) = P(C(s') | C(s), a) w(s' | C(s'))
/// with the frequencies of arrivals in clusters, and within them (the two factors are maximised apart).
/// \param cluster  [n_states], 0 .. n_clusters-1; states of a cluster have the same number of actions
/// \throws InvalidArgument naming the state. Goal states stay as they are; memory O(n_rows * clusters reached * their size).
[[nodiscard]] Mdp fit_aggregated(const Mdp& world, const TransitionCounts& counts, std::span<const State> cluster,
                                 const FitOptions& options = {});

/// Maximum likelihood where the rows of a group share one distribution over states: the counts of a group are pooled.
/// \param group  [n_rows], 0 .. n_groups-1
/// \throws InvalidArgument naming the row.
[[nodiscard]] Mdp fit_shared_rows(const Mdp& world, const TransitionCounts& counts, std::span<const Offset> group,
                                  const FitOptions& options = {});

}  // namespace mdp::equivalence
