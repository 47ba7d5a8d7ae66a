// estimators/occupancy_sample.hpp — state-action pairs drawn from the discounted occupancy.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::estimators {

/// Indices of trajectories from which occupancy samples are drawn: those of estimates and batches are others.
inline constexpr std::uint64_t occupancy_index = std::uint64_t{1} << 60;

/// [n_samples] rows, independent, P(row = (s,a)) = (1 - gamma) sum_t gamma^t P(s_t = s, a_t = a): the pair at a time T
/// with P(T >= t) = gamma^t. Sample i of a seed is the same for any number of threads. Expected time n_samples / (1 - gamma).
/// What an average over them leaves out is the factor 1/(1 - gamma).
/// \throws InvalidArgument if the policy is not one of the MDP or the discount is 1; InvalidOption if n_samples < 1.
[[nodiscard]] std::vector<Offset> sample_occupancy(const Mdp& mdp, std::span<const double> stochastic_policy,
                                                   std::int64_t n_samples, std::uint64_t seed = 1, int threads = 0);

}  // namespace mdp::estimators
