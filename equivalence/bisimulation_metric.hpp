// equivalence/bisimulation_metric.hpp — how far states are from behaving alike.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/status.hpp"

namespace mdp::equivalence {

struct MetricOptions {
  double tolerance = 1e-9;               ///< largest error of a distance, > 0
  std::int64_t max_iterations = 100000;  ///< >= 1
  std::int64_t max_states = 300;  ///< more are refused with InvalidArgument: n_states^2 transport problems an iteration
  int threads = 0;                ///< 0 = all; the same bits for any number

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

struct BisimulationMetric {
  Status status = Status::not_run;  ///< converged, or sweep_limit after max_iterations
  std::string message;
  std::vector<double> distance;       ///< [n_states * n_states] symmetric, 0 on the diagonal; +inf, see below
  double error_bound = not_computed;  ///< >= max |distance - d| up to the rounding of the transport problems
  std::int64_t iterations = -1;
};

/// The fixed point (Ferns, Panangaden and Precup 2004)
///     d(s,t) = max_a ( |L(s,a) - L(t,a)| + gamma W_1(rho(.|s,a), rho(.|t,a); d) ),
/// actions matched by position; +inf between states with different numbers of actions, or where one action is inadmissible
/// and its twin is not. |V*(s) - V*(t)| <= d(s,t), and d(s,t) = 0 iff s and t are bisimilar (goals apart).
/// W_1 is the least cost of moving one row into the other; iterated from 0, a contraction with factor gamma.
/// \throws InvalidArgument if gamma = 1 or there are too many states; InvalidOption.
/// Cost per iteration: n_states^2 / 2 transport problems per action, of the sizes of the rows.
[[nodiscard]] BisimulationMetric bisimulation_metric(const Mdp& mdp, const MetricOptions& options = {});

}  // namespace mdp::equivalence
