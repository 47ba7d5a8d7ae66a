#include "solvers/value_iteration.hpp"

#include <memory>

#include "solvers/discounted.hpp"
#include "solvers/sweeps.hpp"

namespace mdp::solvers {

SolveResult value_iteration(const Mdp& mdp, const SolveOptions& options) {
  return solve_discounted(mdp, options, [] { return std::make_unique<ValueIteration>(); });
}

}  // namespace mdp::solvers
