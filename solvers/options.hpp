// solvers/options.hpp — what to solve for, how well, and when to stop.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "solvers/result.hpp"

namespace mdp::solvers {

enum class Method {
  automatic,                  ///< by structure and size; the result says what and why
  value_iteration,            ///< Jacobi sweeps, MacQueen bounds
  gauss_seidel,               ///< sweeps that use new values at once, in a good order, with a shift
  prioritized,                ///< updates where the residual is large first
  topological,                ///< strongly connected components one after another, successors first
  policy_iteration,           ///< Howard's, evaluation by sparse LU or, where that is dear, iteratively
  modified_policy_iteration,  ///< sweeps of the policy's own chain between sweeps over all rows
  inexact_policy_iteration,   ///< preconditioned Krylov steps, as accurate as the residual deserves
  anderson,                   ///< value iteration, extrapolated from the last few sweeps
  action_elimination,         ///< value iteration that skips rows proved not optimal
  linear_programming,         ///< the dual linear program by CLP, as an oracle; certified by our own residual
  soft_value_iteration,       ///< the entropy-regularised problem; needs SolveOptions::temperature
  interval_iteration,         ///< lower and upper values side by side (undiscounted criteria)
  optimistic_value_iteration  ///< lower values, upper ones guessed and verified (undiscounted criteria)
};

/// Every method, `automatic` first.
[[nodiscard]] std::span<const Method> all_methods() noexcept;
/// "auto", "value-iteration", "gauss-seidel", ...
[[nodiscard]] std::string_view to_string(Method method) noexcept;
/// The inverse of to_string(). \throws InvalidOption listing the words.
[[nodiscard]] Method method_from_string(std::string_view word);

/// How the policy's linear system is solved.
enum class LinearSolver {
  automatic,  ///< sparse LU if a fill estimate says that it is cheap
  sparse_lu,  ///< KLU, block triangular form
  iterative   ///< sweeps and preconditioned BiCGSTAB
};

/// Accuracy: converged means that at every state of finite value the half-width of the enclosure is at most
/// A + R |value|, A = tolerance, R = relative_tolerance. One given: the other is 0. None given: R = 1e-9,
/// A = 1e-9 min(1, max |cost|).
struct SolveOptions {
  Method method = Method::automatic;
  Level level = Level::certified;            ///< approximate or certified
  std::optional<double> tolerance;           ///< A >= 0, finite
  std::optional<double> relative_tolerance;  ///< R >= 0, finite
  LinearSolver linear_solver = LinearSolver::automatic;
  /// Weight of the entropy, > 0, in units of cost: read by soft_value_iteration, which needs it.
  double temperature = not_computed;

  /// Most sweeps over all rows. >= 0.
  std::int64_t max_sweeps = std::numeric_limits<std::int64_t>::max();
  double time_limit_seconds = infinity;  ///< > 0; looked at between sweeps
  int threads = 0;                       ///< 0 = all; the answer has the same bits for any number

  /// What the factors of a direct solve may take, in bytes, >= 0; predicted from the ordering before they are computed, and
  /// an iterative solver takes over beyond. 0 = half of the free memory.
  std::int64_t memory_limit = 0;

  /// [n_states] V to start from, or empty = zero. Infinite-value states are found by the graph, whatever it says.
  std::vector<double> start;
  bool record_trace = false;
  /// Called after each sweep; false stops the run with the best bounds so far (Status::interrupted).
  std::function<bool(const SweepRecord&)> observer;
  /// Asked within long steps too (elimination, Krylov steps, sweeps of a policy's chain): false stops the run likewise. Empty = go on.
  std::function<bool()> keep_going;

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// The two numbers of the convergence test for a given MDP.
struct Accuracy {
  double absolute = 0.0;
  double relative = 0.0;

  /// Largest half-width allowed at a state of this value.
  [[nodiscard]] double at(double value) const noexcept;
};

/// Resolves the defaults above. \param max_abs_cost  Mdp::max_abs_cost()
[[nodiscard]] Accuracy resolve_accuracy(const SolveOptions& options, double max_abs_cost);

}  // namespace mdp::solvers
