#include "solvers/chain_steps.hpp"

#include <algorithm>

namespace mdp::solvers {

SweepsDone sweep_chain(const kernels::OrderedChain& chain, std::vector<double>& x, std::vector<double>& y, int threads,
                       const SweepGoal& goal) {
  SweepsDone done;
  double enough = goal.absolute;
  while (done.count < goal.most) {
    done.change = chain.gauss_seidel(x, y, threads);
    x.swap(y);
    if (done.count++ == 0) enough = std::max(goal.absolute, goal.relative * done.change);
    done.enough = !(done.change > enough);
    if (done.enough || (goal.keep_going && !goal.keep_going())) break;
  }
  return done;
}

KrylovResult improve_by_krylov(const kernels::OrderedChain& chain, std::vector<double>& x,
                               std::vector<double>& residual, double relative, KrylovOptions options) {
  options.tolerance = std::max(options.tolerance, relative * chain.residual(x, residual, options.threads));
  std::vector<double> step(x.size(), 0.0);
  const KrylovResult solved = improve_solution(chain.rows(), 1.0, residual, step, options);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += step[i];
  return solved;
}

}  // namespace mdp::solvers
