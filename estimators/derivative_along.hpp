// estimators/derivative_along.hpp — the causal score estimate of one directional derivative, at the speed of simulation.
#pragma once

#include "estimators/moments.hpp"
#include "estimators/simulator.hpp"

namespace mdp::estimators {

struct SampledDerivative {
  std::int64_t n_trajectories = 0;
  double mean = not_computed;  ///< of u^T Gamma, cost sense
  double standard_deviation = not_computed;
  double standard_error = not_computed;
  double return_mean = not_computed;
};

/// E1, causal, forward: u^T Gamma = sum_k gamma^k L_k c_k, c_k = c_{k-1} + u^T sigma(s_k, a_k). No trajectory is stored. Its exact
/// moments: score_gradient_moments() along u. Blocks of 256 trajectories, merged in order: the same bits for any
/// number of threads. O(n_trajectories * horizon) time, O(n_rows) memory.
/// \throws InvalidArgument as score_gradient(), or if u names a row that does not exist; InvalidOption.
[[nodiscard]] SampledDerivative sample_derivative_along(const Mdp& mdp, std::span<const double> stochastic_policy,
                                                        const LogitDirection& u, const SimulationOptions& options = {});

}  // namespace mdp::estimators
