#include "estimators/methods/causal.hpp"

#include "estimators/recursion.hpp"

namespace mdp::estimators {

std::vector<double> CausalConstantBaseline::constants(const Problem& problem, std::span<const Parameter> parameters) {
  return std::vector<double>(parameters.size(), problem.stages().performance());
}

std::vector<double> CausalOptimalBaseline::constants(const Problem& problem, std::span<const Parameter> parameters) {
  const Critic critic(problem);
  std::vector<double> best(parameters.size(), 0.0);
  kernels::parallel_blocks(static_cast<std::ptrdiff_t>(parameters.size()), problem.options().threads,
                           [&](std::ptrdiff_t block) {
                             const auto i = static_cast<std::size_t>(block);
                             const Direction u = axis(problem.mdp(), parameters[i]);
                             const auto m = MomentRecursion<ConstantBaseline>(problem, critic, {u}).second_moments(1);
                             const double mean_psi = m[2];
                             const double variance_psi = m[2 * 4 + 2] - mean_psi * mean_psi;
                             if (variance_psi > 1e-300) best[i] = (m[2 * 4 + 3] - mean_psi * m[3]) / variance_psi;
                           });
  return best;
}

}  // namespace mdp::estimators
