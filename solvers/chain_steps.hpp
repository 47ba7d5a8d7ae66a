// solvers/chain_steps.hpp — steps towards the solution of an ordered chain's equations (internal).
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "libmdp/kernels/ordered_chain.hpp"
#include "solvers/krylov.hpp"

namespace mdp::solvers {

/// When sweeps of a chain end.
struct SweepGoal {
  std::int64_t most = 0;                  ///< sweeps
  double relative = 0.0;                  ///< enough: a change of a sweep of this times that of the first …
  double absolute = 0.0;                  ///< … or of this
  std::function<bool()> keep_going = {};  ///< asked after every sweep; empty = always
};

struct SweepsDone {
  std::int64_t count = 0;
  double change = infinity;  ///< of the last one
  bool enough = false;
};

/// x <- Gauss–Seidel sweeps of the chain's equations.
/// \param x, y  [chain.size()] in the order of the chain; y is overwritten
SweepsDone sweep_chain(const kernels::OrderedChain& chain, std::vector<double>& x, std::vector<double>& y, int threads,
                       const SweepGoal& goal);

/// x <- x + e, (I - P) e = what the chain's equations miss at x, by a Krylov method. x is never made worse.
/// \param x, residual  [chain.size()] in the order of the chain; the second is overwritten
/// \param relative     enough: the equations miss this times what they missed before, or options.tolerance
KrylovResult improve_by_krylov(const kernels::OrderedChain& chain, std::vector<double>& x,
                               std::vector<double>& residual, double relative, KrylovOptions options);

}  // namespace mdp::solvers
