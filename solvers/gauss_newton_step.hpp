// solvers/gauss_newton_step.hpp — one step of Gauss and Newton, its gauge fixed.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace mdp::solvers {

/// A least-squares model of a function around x:  f(x + p) ~ f(x) + (|z + R p|^2 - |z|^2)/2,  R^T z the gradient of f.
struct LeastSquaresModel {
  std::vector<double> residual;  ///< z, [n_residuals]
  std::vector<double> jacobian;  ///< R, [n_residuals * n_parameters], row by row; 0 for parameters that may not move
  /// Steps up to this multiple of p are tried when shorter ones were taken whole before; 1: none.
  double longest = 1.0;
};

/// The shortest p that minimises |z + R p| along the face of the domain that `leaning` is projected onto: directions that
/// change no residual (the gauge) get nothing. Rank-revealing QR twice: of the rows of R at size 1, whose span p lies in; and
/// of R there, rows sorted by size, so that rows of very different size keep their digits.
/// \param project  onto the polyhedral domain; empty = everywhere. \param leaning  x - tau g
/// Cost: n_residuals n_parameters^2, and n_parameters projections.
[[nodiscard]] std::vector<double> gauss_newton_step(
    const LeastSquaresModel& model, const std::vector<double>& leaning,
    const std::function<std::vector<double>(std::vector<double>)>& project);

}  // namespace mdp::solvers
