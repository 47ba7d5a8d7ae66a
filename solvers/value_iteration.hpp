// solvers/value_iteration.hpp — successive approximation with MacQueen's bounds.
#pragma once

#include "libmdp/mdp.hpp"
#include "solvers/options.hpp"
#include "solvers/result.hpp"

namespace mdp::solvers {

/// V <- TV - shift, stopped on the span of TV - V: the bounds of C1 hold after every sweep, the values reported
/// are the middle of the enclosure. Source: MacQueen (1966); Puterman (2005), sections 6.3 and 6.6.
/// SolveOptions::method is not read. One sweep costs O(n_transitions). \throws as solve().
[[nodiscard]] SolveResult value_iteration(const Mdp& mdp, const SolveOptions& options = {});

}  // namespace mdp::solvers
