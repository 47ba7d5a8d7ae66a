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

/// What runs of BiCGSTAB without and with a preconditioner brought, for the choice between them: none makes a product three
/// times as cheap, and where the spectrum is clustered but for a few slow modes, nothing is lost.
struct KrylovExperience {
  bool plain = true;  ///< how the next run goes
  double rate[2] = {infinity,
                    infinity};  ///< e-folds of the residual per unit of work, with and without; inf = not tried

  /// \param reached  whether the run did what it was asked to: then the next one goes the same way
  void learn(double e_folds, double products, bool reached);
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
  KrylovExperience* experience = nullptr;  ///< if given, runs without a preconditioner are tried, too
};

struct KrylovResult {
  double residual = 0.0;  ///< norm of b - A x, recomputed from x
  std::int64_t products = 0;
};

/// Work of a product and its preconditioner, in sweeps of M, and without one.
inline constexpr double sweeps_per_product = 4.0;
inline constexpr double sweeps_per_plain_product = 1.5;

/// Improves x towards (I - discount M) x = b. Preconditioned BiCGSTAB or GMRES, restarted from the true residual; where a
/// restart does not halve it (breakdown, divergence), GMRES has a try, and then Richardson sweeps x <- b + discount M x
/// take over, which cannot fail: M or M^T is stochastic, each sweep shrinks the residual by `discount` in the norm of the
/// options (max for M, sum for M^T). x is never made worse.
KrylovResult improve_solution(const kernels::CompressedRows& m, double discount, std::span<const double> b,
                              std::span<double> x, const KrylovOptions& options);

}  // namespace mdp::solvers
