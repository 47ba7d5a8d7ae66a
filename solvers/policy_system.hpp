// solvers/policy_system.hpp — the linear systems (I - gamma P_pi) x = b and (I - gamma P_pi)^T y = b.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "solvers/options.hpp"

namespace mdp::solvers {

struct LinearOptions {
  LinearSolver solver = LinearSolver::automatic;
  /// Stop when the residual norm is at most this times that of b (infinity norm; 1-norm if transposed) or at
  /// rounding level. In [0, 1).
  double tolerance = 1e-13;
  std::int64_t max_iterations = 100'000;  ///< of the iterative solver, products with P. >= 1
  int threads = 0;

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// x and a proved bound on its error.
struct LinearSolution {
  std::vector<double> x;
  /// solve(): ||x - exact||_inf, solve_transposed(): ||x - exact||_1, for the P of the MDP meant.
  double error_bound = not_computed;
  double residual = not_computed;  ///< computed norm of b - A x, the same norm
  std::int64_t iterations = 0;     ///< products with P
};

/// I - gamma P_pi of a policy, factorised once, solved for many right-hand sides; derivatives (theory.md D1, D8)
/// and occupancies are its solutions.
///
/// Error bounds: (I - gamma P)^-1 >= 0 has row sums of at most N, so ||x - exact||_inf <= N ||r||_inf and, transposed,
/// ||y - exact||_1 <= N ||r||_1, with r = b - A x of the MDP meant: its rounding and the entry errors are added.
/// N = 1/(1 - gamma), or, until absorption, what a vector w >= 0 proves: (I - P) w >= d > 0 gives (I - P)^-1 1 <= w/d.
///
/// One object must not solve on several threads at once (it parallelises inside).
class PolicySystem {
 public:
  /// \throws InvalidArgument a policy that is not one of the MDP; discount 1. InvalidOption.
  PolicySystem(const Mdp& mdp, std::span<const Action> policy, const LinearOptions& options = {});
  PolicySystem(const Mdp& mdp, std::span<const double> stochastic_policy, const LinearOptions& options = {});
  /// I - P_pi without a discount, until absorption: states whose rows all have weight 0 are absorbing, their equation is
  /// x(s) = b(s). From every other state one of them must be reached with probability 1, or the bounds are infinite.
  /// \param row_weights  [n_rows] >= 0, of sum 1 in the other states, exactly so where deterministic
  [[nodiscard]] static PolicySystem until_absorption(const Mdp& mdp, std::span<const double> row_weights,
                                                     const LinearOptions& options = {});
  ~PolicySystem();
  PolicySystem(PolicySystem&&) noexcept;
  PolicySystem& operator=(PolicySystem&&) noexcept;

  [[nodiscard]] State n_states() const noexcept;
  /// "sparse LU" or "BiCGSTAB".
  [[nodiscard]] std::string method() const;

  /// x = (I - gamma P_pi)^-1 b. \param b [n_states], finite. \throws InvalidArgument otherwise.
  [[nodiscard]] LinearSolution solve(std::span<const double> b) const;
  /// y = (I - gamma P_pi)^-T b.
  [[nodiscard]] LinearSolution solve_transposed(std::span<const double> b) const;
  /// Bound of the error that a residual of this norm leaves: N times it.
  [[nodiscard]] double error_of(double residual_norm) const;
  /// y = P_pi x, no discount; y [n_states].
  void multiply(std::span<const double> x, std::span<double> y) const;
  /// y = P_pi^T x.
  void multiply_transposed(std::span<const double> x, std::span<double> y) const;

 private:
  struct Impl;
  explicit PolicySystem(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace mdp::solvers
