#include "solvers/gauss_newton_step.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <Eigen/Dense>

#include "solvers/direction_check.hpp"

namespace mdp::solvers {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

// Rows of size 1 that others give up to this are dependent on them: Jacobians carry rounding.
constexpr double dependent = 1e-7;

// The projection is affine near `leaning` but for kinks: its Jacobian projects onto the face's directions. Columns that
// leave a coordinate alone or fix it are exactly that, free of the rounding of differences.
Matrix face_directions(const std::vector<double>& leaning,
                       const std::function<std::vector<double>(std::vector<double>)>& project) {
  const auto n = static_cast<Eigen::Index>(leaning.size());
  if (!project) return Matrix::Identity(n, n);
  const std::vector<double> foot = project(leaning);
  Matrix directions = Matrix::Zero(n, n);
  std::vector<double> moved = leaning;
  for (std::size_t i = 0; i < leaning.size(); ++i) {
    const double h = 1e-7 * std::max(1.0, std::abs(leaning[i]));
    moved[i] = leaning[i] + h;
    const std::vector<double> at = project(moved);
    moved[i] = leaning[i];
    const auto column = static_cast<Eigen::Index>(i);
    for (std::size_t k = 0; k < at.size(); ++k) {
      const double change = (at[k] - foot[k]) / h;
      const double whole = std::round(change);
      directions(static_cast<Eigen::Index>(k), column) = std::abs(change - whole) < 1e-6 ? whole : change;
    }
  }
  return directions;
}

// Orthonormal columns that span the rows of `along`, each row seen at its own size: what a row of 1e-20 sees is no gauge.
// \param size  [rows] of the rows before they were laid along the face: what is left of them may be rounding
Matrix row_space(const Matrix& along, const Vector& size) {
  Matrix rows = along.transpose();
  for (Eigen::Index k = 0; k < rows.cols(); ++k) {
    const double left = rows.col(k).norm();
    if (left > dependent * size(k)) {
      rows.col(k) /= left;
    } else {
      rows.col(k).setZero();
    }
  }
  Eigen::ColPivHouseholderQR<Matrix> qr(rows);
  qr.setThreshold(dependent);
  return Matrix(qr.householderQ() * Matrix::Identity(rows.rows(), qr.rank()));
}

// y that minimises |z + a y|, a of full column rank: by column pivoting, the largest rows first, so that small rows keep their
// digits (Cox and Higham, 1998).
Vector least_squares(const Matrix& a, const Vector& z) {
  const Vector size = a.rowwise().norm();
  std::vector<Eigen::Index> order(static_cast<std::size_t>(a.rows()));
  std::iota(order.begin(), order.end(), Eigen::Index{0});
  std::ranges::stable_sort(order, [&](Eigen::Index i, Eigen::Index j) { return size(i) > size(j); });
  Matrix sorted(a.rows(), a.cols());
  Vector right(z.size());
  for (Eigen::Index k = 0; k < a.rows(); ++k) {
    sorted.row(k) = a.row(order[static_cast<std::size_t>(k)]);
    right(k) = -z(order[static_cast<std::size_t>(k)]);
  }
  Eigen::ColPivHouseholderQR<Matrix> qr(sorted);
  qr.setThreshold(0.0);
  return qr.solve(right);
}

}  // namespace

std::vector<double> gauss_newton_step(const LeastSquaresModel& model, const std::vector<double>& leaning,
                                      const std::function<std::vector<double>(std::vector<double>)>& project) {
  const auto n = static_cast<Eigen::Index>(leaning.size());
  const auto m = static_cast<Eigen::Index>(model.residual.size());
  require_size("Gauss-Newton: jacobian", model.jacobian.size(), m * n);
  const Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> r(
      model.jacobian.data(), m, n);
  const Eigen::Map<const Vector> z(model.residual.data(), m);
  const Matrix face = face_directions(leaning, project);
  const Matrix along = r * face;
  const Matrix basis = row_space(along, r.rowwise().norm());
  const Vector p = basis.cols() == 0 ? Vector(Vector::Zero(n)) : Vector(basis * least_squares(along * basis, z));
  return {p.data(), p.data() + n};
}

}  // namespace mdp::solvers
