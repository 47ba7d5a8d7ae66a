#include "solvers/in_sim_hessian.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <Eigen/Dense>

#include "libmdp/bounds.hpp"
#include "libmdp/graph/reachability.hpp"

namespace mdp::solvers {
namespace {

constexpr std::int64_t most_dense_parameters = 400;
// Eigenvalues below this part of the largest are taken for 0: products with H carry rounding of 1e-14 or so.
constexpr double singular = 1e-13;

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

Eigen::Map<const Vector> as_vector(std::span<const double> x) {
  return {x.data(), static_cast<Eigen::Index>(x.size())};
}

std::vector<double> as_std(const Vector& x) { return {x.data(), x.data() + x.size()}; }

// Orthonormal columns that span the directions with an effect on the visited states: eigenvectors of C^T C, C the features
// less their mean in each visited state.
Matrix effective_directions(const PolicyClass& policies, std::span<const Offset> state_rows,
                            std::span<const char> visited) {
  const RowFeatures& f = policies.features();
  const auto n = static_cast<Eigen::Index>(f.n_parameters);
  Matrix gram = Matrix::Zero(n, n);
  for (std::size_t s = 0; s + 1 < state_rows.size(); ++s) {
    if (visited[s] == 0) continue;
    const Offset first = state_rows[s], count = state_rows[s + 1] - first;
    Matrix rows = Matrix::Zero(count, n);
    for (Offset i = 0; i < count; ++i) {
      for (Offset k = f.begin[first + i]; k < f.begin[first + i + 1]; ++k) rows(i, f.parameter[k]) += f.value[k];
    }
    rows.rowwise() -= rows.colwise().mean();
    gram.noalias() += rows.transpose() * rows;
  }
  const Eigen::SelfAdjointEigenSolver<Matrix> eigen(gram);
  const double largest = n > 0 ? eigen.eigenvalues()(n - 1) : 0.0;
  Eigen::Index null = 0;
  while (null < n && eigen.eigenvalues()(null) <= 1e-12 * static_cast<double>(n) * largest) ++null;
  return eigen.eigenvectors().rightCols(n - null);
}

}  // namespace

std::vector<char> visited_by(const Mdp& mdp, std::span<const double> log_policy) {
  if (mdp.discount() == 0.0) {
    std::vector<char> first(mdp.n_states());
    std::transform(mdp.initial().begin(), mdp.initial().end(), first.begin(), [](double p) { return p > 0.0 ? 1 : 0; });
    return first;
  }
  graph::RowMask usable(mdp.n_rows());
  for (Offset row = 0; row < mdp.n_rows(); ++row) usable[row] = log_policy[row] > -infinity ? 1 : 0;
  return graph::reachable_states(mdp, usable);
}

InSimHessian::InSimHessian(const PolicyClass& policies, const PolicyClass::Point& point,
                           const PolicyExpansion& expansion)
    : policies_(policies), point_(point), expansion_(expansion) {
  const Mdp& mdp = expansion.mdp();
  weights_.resize(mdp.n_rows());
  double size = 0.0;
  for (State s = 0; s < mdp.n_states(); ++s) {
    for (Offset row = mdp.state_rows()[s]; row < mdp.state_rows()[s + 1]; ++row) {
      weights_[row] = expansion.occupancy()[s] * expansion.policy()[row] * expansion.advantage()[row];
      size += std::abs(weights_[row]);
    }
  }
  gradient_ = point_.pull_back(weights_);
  // Scores are at most 2 max|F|; a gradient entry sums n_rows terms with a few roundings each.
  double feature = 0.0;
  for (const double x : policies.features().value) feature = std::max(feature, std::abs(x));
  gradient_error_ = 2.0 * feature *
                    (expansion.gradient_error_bound() + bounds::rounding(2 * mdp.n_rows() + 32) * size) *
                    (1.0 + bounds::rounding(8));
}

std::vector<double> InSimHessian::product(std::span<const double> u) const {
  const PolicyEntryDirection direction{point_.along(u), zero_direction(expansion_.mdp())};
  const PolicyChange change = expansion_.along(direction);
  std::vector<double> h = point_.pull_back(change.gradient.log_policy);
  const std::vector<double> by_policy = point_.curvature(u, weights_);
  for (std::size_t i = 0; i < h.size(); ++i) h[i] += by_policy[i];
  return h;
}

std::vector<double> InSimHessian::dense() const {
  const auto n = static_cast<Eigen::Index>(policies_.n_parameters());
  Matrix h(n, n);
  std::vector<double> unit(n, 0.0);
  for (Eigen::Index i = 0; i < n; ++i) {
    unit[i] = 1.0;
    h.col(i) = as_vector(product(unit));
    unit[i] = 0.0;
  }
  const Matrix symmetric = 0.5 * (h + h.transpose());
  return {symmetric.data(), symmetric.data() + symmetric.size()};
}

GaugeFixedSolver::GaugeFixedSolver(const InSimHessian& hessian, const PolicyClass& policies,
                                   std::span<const char> visited, HessianPath path)
    : hessian_(hessian),
      dense_(path == HessianPath::dense ||
             (path == HessianPath::automatic && policies.n_parameters() <= most_dense_parameters)),
      n_(policies.n_parameters()) {
  if (!dense_) return;
  const Matrix b = effective_directions(policies, policies.state_rows(), visited);
  if (b.cols() == 0) return;  // no choice anywhere: every direction is gauge
  const std::vector<double> entries = hessian.dense();
  const Eigen::Map<const Matrix> h(entries.data(), n_, n_);
  const Eigen::SelfAdjointEigenSolver<Matrix> eigen(b.transpose() * h * b);
  const Matrix columns = b * eigen.eigenvectors();
  basis_.assign(columns.data(), columns.data() + columns.size());
  eigenvalues_ = as_std(eigen.eigenvalues());
}

double GaugeFixedSolver::curvature_min() const noexcept {
  return eigenvalues_.empty() ? not_computed : eigenvalues_.front();
}

bool GaugeFixedSolver::regular() const noexcept {
  return std::all_of(eigenvalues_.begin(), eigenvalues_.end(), [this](double e) { return is_regular(e); });
}

bool GaugeFixedSolver::is_regular(double eigenvalue) const noexcept {
  const double largest = std::max(std::abs(eigenvalues_.front()), std::abs(eigenvalues_.back()));
  return std::abs(eigenvalue) > singular * static_cast<double>(n_) * largest;
}

std::int64_t GaugeFixedSolver::n_gauge() const noexcept {
  return dense_ ? n_ - static_cast<std::int64_t>(eigenvalues_.size()) : -1;
}

GaugeFixedSolver::Solution GaugeFixedSolver::solve(std::span<const double> b, bool descent) const {
  return dense_ ? solve_dense(b, descent) : solve_by_products(b);
}

GaugeFixedSolver::Solution GaugeFixedSolver::solve_dense(std::span<const double> b, bool descent) const {
  const auto r = static_cast<Eigen::Index>(eigenvalues_.size());
  const Eigen::Map<const Matrix> basis(basis_.data(), n_, r);
  Vector x = basis.transpose() * as_vector(b);
  Solution solution;
  solution.solved = true;
  for (Eigen::Index i = 0; i < r; ++i) {
    const double e = eigenvalues_[i];
    const bool regular = is_regular(e);
    solution.solved = solution.solved && regular;
    solution.negative_curvature = solution.negative_curvature || e < 0.0;
    x(i) = regular ? x(i) / (descent ? std::abs(e) : e) : 0.0;
  }
  solution.x = as_std(basis * x);
  return solution;
}

// Conjugate gradients from 0: all iterates lie in the span of b and its images, off the gauge as b is (Hestenes and Stiefel,
// 1952). Negative curvature ends them with the step so far, or with b itself (Steihaug, 1983, without a radius).
GaugeFixedSolver::Solution GaugeFixedSolver::solve_by_products(std::span<const double> b) const {
  Vector x = Vector::Zero(n_), r = as_vector(b), p = r;
  Vector best = x;
  double rr = r.squaredNorm(), least = rr;
  const double target = 1e-13 * std::sqrt(rr);
  std::int64_t best_at = 0;
  Solution solution;
  // Rounding of the products ends the descent of the residual; beyond, iterates drift: the best one is kept.
  for (std::int64_t i = 0; std::sqrt(least) > target && i - best_at < n_ + 20; ++i) {
    const Vector hp = as_vector(hessian_.product(as_std(p)));
    const double curvature = p.dot(hp);
    if (!(curvature > 0.0)) {
      // Of a direction that rounding has made, it says nothing.
      solution.negative_curvature = std::sqrt(least) > 1e-9 * as_vector(b).norm();
      if (i == 0) best = p;
      break;
    }
    const double alpha = rr / curvature;
    x += alpha * p;
    r -= alpha * hp;
    const double next = r.squaredNorm();
    p = r + (next / rr) * p;
    rr = next;
    if (!(rr < least)) continue;
    least = rr;
    best = x;
    best_at = i;
  }
  solution.solved = !solution.negative_curvature && std::sqrt(least) <= 1e-9 * as_vector(b).norm();
  solution.x = as_std(best);
  return solution;
}

}  // namespace mdp::solvers
