// solvers/krylov.hpp — preconditioned BiCGSTAB and GMRES for I - discount M, safeguarded (internal).
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "libmdp/kernels/system.hpp"

namespace mdp::solvers {

enum class Norm { max, sum };

enum class KrylovMethod {
  bicgstab,  ///< van der Vorst (1992); short recurrences
  gmres      ///< Saad and Schultz (1986), restarted; right preconditioning
};

struct KrylovOptions {
  Norm norm = Norm::max;
  double tolerance = 1e-13;  ///< absolute, on the norm of the residual
  std::int64_t max_products = 100'000;
  int threads = 0;
  std::function<bool()> keep_going = {};  ///< asked now and then; empty = always
  KrylovMethod method = KrylovMethod::bicgstab;
  /// z = about A^-1 r; empty: symmetric Gauss-Seidel on a few blocks.
  std::function<void(std::span<const double> r, std::span<double> z)> precondition = {};
};

struct KrylovResult {
  double residual = 0.0;  ///< norm of b - A x, recomputed from x
  std::int64_t products = 0;
};

/// Improves x towards (I - discount M) x = b. Preconditioned BiCGSTAB or GMRES, restarted from the true residual; where a
/// restart does not halve it (breakdown, divergence), GMRES has a try, and then Richardson sweeps x <- b + discount M x
/// take over, which cannot fail: M or M^T is stochastic, each sweep shrinks the residual by `discount` in the norm of the
/// options (max for M, sum for M^T). x is never made worse.
KrylovResult improve_solution(const kernels::CompressedRows& m, double discount, std::span<const double> b,
                              std::span<double> x, const KrylovOptions& options);

}  // namespace mdp::solvers
