// solvers/gain_iteration.hpp — least long-run cost per stage of a communicating MDP of many states (internal).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "libmdp/bounds.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "libmdp/two_double.hpp"
#include "solvers/enclosure.hpp"
#include "solvers/run.hpp"

namespace mdp::solvers {

/// g* enclosed, and the relative values that prove it.
struct IteratedGain {
  double lower = -infinity;
  double upper = infinity;
  std::vector<TwoDouble> relative_value;  ///< [n_states] h of the last look, its middle taken out
  Policy policy;                          ///< [n_states] of gain <= upper, whatever its classes
  double gap_error = infinity;            ///< every gap  c + P h - h(s)  of the last look is known to this
  bounds::Interval gaps;                  ///< encloses the least gaps of all states for that h
  std::string method;                     ///< what solved the corrections; empty if none was needed
};

/// Corrections with a discount. With the gaps  d = c + P h - h  of all rows, in twice the precision, the discounted problem
///     D = min over rows of (d - middle + beta P D)
/// has the gaps of h + D within  (1 - beta) times the span of P D  of one another: h <- h + D is the proximal point method for
/// h + g = min (c + P h), with the resolvent (I - beta P)^-1 that exists whatever the classes and periods of a policy are. For one
/// policy whose deviations decay at rate lambda a step leaves the factor (1 - beta) lambda / (1 - beta lambda) of them, so that a few
/// steps do; 1 - beta falls where they do not. Each problem is solved as any discounted one: by the method that suits the structure
/// (make_automatic()), on all threads, to the digits that the step is worth.
/// Bounds (C5), from every h on the way: min over all rows of d <= g* <= max over states of the least d of the state. They hold whenever
/// the run is stopped.
///
/// \param mdp       communicating, its discount is not read; rows of cost +inf are never taken
/// \param accuracy  of the half-width; {0, 0}: as close as twice the precision brings it
/// \param start     [n_states] relative values to start from, finite, or empty = 0
[[nodiscard]] IteratedGain iterate_gain(const Mdp& mdp, const Accuracy& accuracy, const EntryUncertainty& uncertainty,
                                        Run& run, std::span<const double> start = {});

/// The bounds from given relative values alone, by one look at all rows.
[[nodiscard]] IteratedGain gain_around(const Mdp& mdp, std::span<const double> h, const EntryUncertainty& uncertainty,
                                       int threads);

}  // namespace mdp::solvers
