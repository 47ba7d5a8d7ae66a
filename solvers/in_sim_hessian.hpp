// solvers/in_sim_hessian.hpp — the Hessian of an in-sim performance by policy parameters, and its inverse (D5, D6).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "solvers/policy_sensitivity.hpp"

namespace mdp::solvers {

/// J(pi_w) at one w, to second order. Holds references: model-side objects must outlive it.
class InSimHessian {
 public:
  InSimHessian(const PolicyClass& policies, const PolicyClass::Point& point, const PolicyExpansion& expansion);

  [[nodiscard]] const std::vector<double>& gradient() const noexcept { return gradient_; }  ///< [n_parameters] dJ/dw
  /// Proved: |dJ/dw - gradient| of every entry, for the policy as computed.
  [[nodiscard]] double gradient_error() const noexcept { return gradient_error_; }
  /// d(dJ/dw) when w moves along u.
  [[nodiscard]] std::vector<double> product(std::span<const double> u) const;
  /// [n * n], symmetric: n products, then (H + H^T)/2.
  [[nodiscard]] std::vector<double> dense() const;

 private:
  const PolicyClass& policies_;
  const PolicyClass::Point& point_;
  const PolicyExpansion& expansion_;
  std::vector<double> weights_;  // d pi A over rows
  std::vector<double> gradient_;
  double gradient_error_ = infinity;
};

/// Solves H x = b off the directions of w that have no effect on the visited states.
class GaugeFixedSolver {
 public:
  /// \param visited  [n_states]; directions without effect there are the gauge
  GaugeFixedSolver(const InSimHessian& hessian, const PolicyClass& policies, std::span<const char> visited,
                   HessianPath path);

  struct Solution {
    std::vector<double> x;
    bool solved = false;  ///< H is regular off the gauge, and the residual small
    bool negative_curvature = false;
  };
  /// \param descent  negative curvature is turned round (dense) or ends the search (matrix-free): for Newton steps
  [[nodiscard]] Solution solve(std::span<const double> b, bool descent) const;

  [[nodiscard]] bool dense() const noexcept { return dense_; }
  /// Dense: no eigenvalue off the gauge vanishes within rounding. Matrix-free: not known beforehand, true.
  [[nodiscard]] bool regular() const noexcept;
  [[nodiscard]] double curvature_min() const noexcept;
  [[nodiscard]] std::int64_t n_gauge() const noexcept;

 private:
  [[nodiscard]] bool is_regular(double eigenvalue) const noexcept;
  [[nodiscard]] Solution solve_dense(std::span<const double> b, bool descent) const;
  [[nodiscard]] Solution solve_by_products(std::span<const double> b) const;

  const InSimHessian& hessian_;
  bool dense_;
  std::int64_t n_;
  std::vector<double> basis_;        // [n * r] columns: eigenvectors of H off the gauge
  std::vector<double> eigenvalues_;  // [r] ascending
};

/// States of positive occupancy under the policy.
[[nodiscard]] std::vector<char> visited_by(const Mdp& mdp, std::span<const double> log_policy);

}  // namespace mdp::solvers
