// solvers/descent.hpp — minimise a smooth function over a convex set, from exact gradients (theory.md, section 6).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "libmdp/status.hpp"
#include "libmdp/types.hpp"
#include "solvers/gauss_newton_step.hpp"

namespace mdp::solvers {

struct DescentPoint {
  double value = 0.0;
  std::vector<double> gradient = {};
};
/// Value and gradient; value +inf (gradient not read) where x is out of bounds.
using DescentFunction = std::function<DescentPoint(std::span<const double> x)>;

enum class DescentMethod {
  gradient,      ///< steepest descent
  gauss_newton,  ///< steps of DescentOptions::linearise's least-squares models: the shortest, so that nothing moves along
                 ///< directions without effect
  quasi_newton  ///< L-BFGS: steps are combinations of gradients, so that where these are orthogonal to gauge directions
                ///< (D8's shaping) so are they: nothing moves along the gauge
};

/// All that a run needs to go on as if it had not stopped, to the bit.
struct DescentState {
  std::vector<double> x;
  std::int64_t iteration = 0;
  std::int64_t evaluations = 0;
  double last_step = 0.0;                           ///< factor of the last direction; 0 before the first step
  std::vector<std::vector<double>> moves = {};      ///< L-BFGS memory, oldest first: x_{k+1} - x_k
  std::vector<std::vector<double>> responses = {};  ///< and the gradients' differences
};

struct DescentOptions {
  DescentMethod method = DescentMethod::quasi_newton;
  std::int64_t max_iterations = 100;  ///< >= 0, counted from the state's
  double gradient_tolerance = 1e-8;   ///< converged: largest entry of the gradient along the domain at most this; > 0
  double first_step = 0.1;            ///< largest move of an entry in the first step; > 0
  std::int64_t memory = 20;           ///< pairs that quasi_newton keeps; >= 1
  std::vector<char> free = {};        ///< [n] 1 = may move; empty = all
  std::function<std::vector<double>(std::vector<double>)> project = {};  ///< onto the convex domain; empty = everywhere
  /// The model around x that gauss_newton needs; its domain must be a polyhedron.
  std::function<LeastSquaresModel(std::span<const double> x)> linearise = {};
  /// Called at every iterate, the first included; false stops the run (Status::interrupted).
  std::function<bool(const DescentState&, const DescentPoint&)> observer = {};

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

struct DescentResult {
  /// converged: the gradient vanishes; sweep_limit; interrupted; precision_limit: no step of the line search lowers f by more
  /// than rounding although the gradient does not vanish within the tolerance
  Status status = Status::not_run;
  std::string message;
  DescentState state;
  DescentPoint point;
  double gradient_norm = not_computed;  ///< largest entry of the gradient along the domain
};

/// Backtracking on f along the projected arc project(x + t p), Armijo's rule with 1e-4 (Bertsekas, 1976); p = -g, L-BFGS
/// (Nocedal, 1980) or Gauss-Newton. Deterministic: the same start gives the same bits, also if stopped and resumed between iterations.
/// \throws InvalidOption, InvalidArgument
[[nodiscard]] DescentResult minimise(const DescentFunction& f, DescentState start, const DescentOptions& options = {});

}  // namespace mdp::solvers
