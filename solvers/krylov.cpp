#include "solvers/krylov.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "libmdp/buffer.hpp"
#include "libmdp/kernels/parallel.hpp"

namespace mdp::solvers {
namespace {

using Vector = Buffer<double>;

constexpr double basis_bytes = 0x1p26;  // of GMRES, for large systems

class Solver {
 public:
  Solver(const kernels::CompressedRows& m, double discount, std::span<const double> b, std::span<double> x,
         const KrylovOptions& options)
      : m_(m), discount_(discount), b_(b), x_(x), options_(options), residual_(b.size()), kept_(b.size()) {
    for (Vector* v : {&precond_, &product_}) v->resize(b.size());
    if (options.method == KrylovMethod::gmres) return;
    for (Vector* v : {&shadow_, &direction_, &half_, &half_precond_, &half_product_}) v->resize(b.size());
  }

  KrylovResult operator()() {
    double now = true_residual();
    while (now > options_.tolerance && may_go_on()) {
      const bool plain = is_plain();
      double after = attempt(options_.method, now);
      if (!(after <= 0.5 * now) && plain != is_plain() && may_go_on()) after = attempt(options_.method, now);
      if (!(after <= 0.5 * now) && options_.method != KrylovMethod::gmres && may_go_on()) {
        after = attempt(KrylovMethod::gmres, now);
      }
      if (!(after <= 0.5 * now)) {
        after = richardson(now);
        if (!(after < (1.0 - 1e-3) * now) && stagnated(after)) {
          now = std::min(now, after);
          break;
        }
      }
      now = after;
    }
    return {now, products_};
  }

 private:
  [[nodiscard]] bool may_go_on() const {
    return products_ < options_.max_products && (!options_.keep_going || options_.keep_going());
  }

  [[nodiscard]] bool is_plain() const { return options_.experience != nullptr && options_.experience->plain; }

  // One run from residual_, undone unless it halves the residual. Returns the norm of the residual then.
  double attempt(KrylovMethod method, double now) {
    std::copy(x_.begin(), x_.end(), kept_.begin());
    const std::int64_t before = products_;
    if (method == KrylovMethod::gmres)
      gmres(now);
    else
      bicgstab(now);
    const double after = true_residual();
    if (method == KrylovMethod::bicgstab && options_.experience != nullptr) {
      options_.experience->learn(std::log(now / after), static_cast<double>(products_ - before),
                                 after <= run_target(now));
    }
    if (after <= 0.5 * now) return after;
    std::copy(kept_.begin(), kept_.end(), x_.begin());
    true_residual();
    return now;
  }

  double norm(const Vector& v) const {
    return options_.norm == Norm::max ? kernels::max_norm(m_.blocks, v, options_.threads)
                                      : kernels::sum_norm(m_.blocks, v, options_.threads);
  }
  double dot(const Vector& a, const Vector& c) const { return kernels::dot(m_.blocks, a, c, options_.threads); }

  void apply(const Vector& v, Vector& y) {
    kernels::apply_system(m_, discount_, v, y, options_.threads);
    ++products_;
  }
  // About A^-1 r: in `place`, or r itself.
  const Vector& preconditioned(const Vector& r, Vector& place) const {
    constexpr int n_parts = 8;
    if (is_plain()) return r;
    if (options_.precondition)
      options_.precondition(r, place);
    else
      kernels::symmetric_gauss_seidel(m_, discount_, n_parts, r, place, options_.threads);
    return place;
  }
  template <class F>
  void for_each(F&& f) const {
    kernels::for_states(m_.blocks, options_.threads, [&](State first, State last) {
      for (State i = first; i < last; ++i) f(static_cast<std::size_t>(i));
    });
  }

  // residual_ = b - A x; returns its norm.
  double true_residual() {
    kernels::apply_system(m_, discount_, x_, residual_, options_.threads);
    ++products_;
    for_each([&](std::size_t i) { residual_[i] = b_[i] - residual_[i]; });
    return norm(residual_);
  }

  // What is enough for a run.
  [[nodiscard]] double run_target(double start) const { return std::max(options_.tolerance, 2e-3 * start); }

  // One run from residual_: until its norm fell by 1e-3 or below the tolerance, or something breaks down.
  void bicgstab(double start) {
    constexpr std::int64_t to_try = 40;
    const bool trial = is_plain() && !(options_.experience->rate[1] < infinity);
    const std::int64_t products_per_run = trial ? to_try : 400;
    const double target = 0.5 * run_target(start);
    const std::int64_t last = std::min(options_.max_products, products_ + products_per_run);
    shadow_ = residual_;
    std::fill(direction_.begin(), direction_.end(), 0.0);
    std::fill(product_.begin(), product_.end(), 0.0);
    double rho = 1.0;
    double alpha = 1.0;
    double omega = 1.0;
    while (products_ < last && may_go_on()) {
      const double rho_new = dot(shadow_, residual_);
      const double beta = rho_new / rho * (alpha / omega);
      if (!std::isfinite(beta) || rho_new == 0.0) return;
      rho = rho_new;
      for_each([&](std::size_t i) { direction_[i] = residual_[i] + beta * (direction_[i] - omega * product_[i]); });
      const Vector& step = preconditioned(direction_, precond_);
      apply(step, product_);
      alpha = rho / dot(shadow_, product_);
      if (!std::isfinite(alpha)) return;
      for_each([&](std::size_t i) { half_[i] = residual_[i] - alpha * product_[i]; });
      const Vector& half_step = preconditioned(half_, half_precond_);
      apply(half_step, half_product_);
      omega = dot(half_product_, half_) / dot(half_product_, half_product_);
      if (!std::isfinite(omega)) omega = 0.0;
      for_each([&](std::size_t i) {
        x_[i] += alpha * step[i] + omega * half_step[i];
        residual_[i] = half_[i] - omega * half_product_[i];
      });
      const double size = norm(residual_);
      if (!(size > target) || size > 1e6 * start || omega == 0.0) return;
    }
  }

  // One cycle of GMRES from residual_: modified Gram-Schmidt, Givens rotations, x += M^-1 V y.
  void gmres(double start) {
    const double target = 0.5 * run_target(start);
    const auto most =
        static_cast<std::size_t>(std::clamp(basis_bytes / (8.0 * static_cast<double>(b_.size())), 5.0, 30.0));
    const double length = std::sqrt(dot(residual_, residual_));
    if (!(length > 0.0) || !std::isfinite(length)) return;
    std::vector<Vector> basis(1, residual_);
    for_each([&](std::size_t i) { basis[0][i] /= length; });
    std::vector<Vector> columns;  // of the upper triangle
    std::vector<std::pair<double, double>> rotations;
    Vector right(1, length);
    while (columns.size() < most && may_go_on() && std::abs(right.back()) > target / start * length) {
      apply(preconditioned(basis.back(), precond_), product_);
      Vector column = orthogonalise(basis);
      const double below = column.back();
      if (!std::isfinite(below)) break;
      rotate(column, rotations, right);
      columns.push_back(std::move(column));
      if (!(below > 0.0)) break;
      basis.push_back(product_);
      for_each([&](std::size_t i) { basis.back()[i] /= below; });
    }
    add_combination(basis, columns, right);
  }

  // product_ less its parts along the basis; returns those and the length of what is left.
  Vector orthogonalise(const std::vector<Vector>& basis) {
    Vector column;
    for (const Vector& v : basis) {
      const double part = dot(v, product_);
      for_each([&](std::size_t i) { product_[i] -= part * v[i]; });
      column.push_back(part);
    }
    column.push_back(std::sqrt(dot(product_, product_)));
    return column;
  }

  // Applies the rotations so far to a new column of the Hessenberg matrix, and one more that clears its last entry.
  static void rotate(Vector& column, std::vector<std::pair<double, double>>& rotations, Vector& right) {
    for (std::size_t k = 0; k < rotations.size(); ++k) {
      const auto [c, s] = rotations[k];
      const double upper = c * column[k] + s * column[k + 1];
      column[k + 1] = c * column[k + 1] - s * column[k];
      column[k] = upper;
    }
    const std::size_t k = rotations.size();
    const double radius = std::hypot(column[k], column[k + 1]);
    const auto [c, s] = radius > 0.0 ? std::pair{column[k] / radius, column[k + 1] / radius} : std::pair{1.0, 0.0};
    rotations.emplace_back(c, s);
    column[k] = radius;
    column.pop_back();
    right.push_back(-s * right[k]);
    right[k] *= c;
  }

  // x += M^-1 V y, y from the triangle.
  void add_combination(const std::vector<Vector>& basis, const std::vector<Vector>& columns, const Vector& right) {
    Vector y(columns.size());
    for (std::size_t k = columns.size(); k-- > 0;) {
      double sum = right[k];
      for (std::size_t j = k + 1; j < columns.size(); ++j) sum -= columns[j][k] * y[j];
      y[k] = columns[k][k] != 0.0 ? sum / columns[k][k] : 0.0;
    }
    std::fill(product_.begin(), product_.end(), 0.0);
    for (std::size_t k = 0; k < y.size(); ++k) {
      for_each([&](std::size_t i) { product_[i] += y[k] * basis[k][i]; });
    }
    const Vector& step = preconditioned(product_, precond_);
    for_each([&](std::size_t i) { x_[i] += step[i]; });
  }

  // x <- x + residual; the residual's norm shrinks by the discount in exact arithmetic.
  double richardson(double start) {
    constexpr int sweeps = 50;
    double now = start;
    for (int k = 0; k < sweeps && may_go_on(); ++k) {
      std::copy(x_.begin(), x_.end(), kept_.begin());
      for_each([&](std::size_t i) { x_[i] += residual_[i]; });
      const double after = true_residual();
      if (!(after < now)) {
        std::copy(kept_.begin(), kept_.end(), x_.begin());
        return now;
      }
      now = after;
      if (now <= options_.tolerance) return now;
    }
    return now;
  }

  // Rounding of b - A x is all that is left, or both ways failed three times.
  [[nodiscard]] bool stagnated(double residual) {
    const Vector x(x_.begin(), x_.end());
    const Vector b(b_.begin(), b_.end());
    return residual <= 16.0 * unit_roundoff * (norm(b) + 2.0 * norm(x)) || ++idle_ > 2;
  }

  const kernels::CompressedRows& m_;
  double discount_;
  std::span<const double> b_;
  std::span<double> x_;
  const KrylovOptions& options_;
  Vector residual_, kept_, shadow_, direction_, precond_, product_, half_, half_precond_, half_product_;
  std::int64_t products_ = 0;
  int idle_ = 0;
};

}  // namespace

void KrylovExperience::learn(double e_folds, double products, bool reached) {
  rate[plain ? 1 : 0] = std::max(0.0, e_folds) / ((plain ? sweeps_per_plain_product : sweeps_per_product) * products);
  if (!reached && rate[plain ? 0 : 1] > rate[plain ? 1 : 0]) plain = !plain;
}

KrylovResult improve_solution(const kernels::CompressedRows& m, double discount, std::span<const double> b,
                              std::span<double> x, const KrylovOptions& options) {
  return Solver(m, discount, b, x, options)();
}

}  // namespace mdp::solvers
