#include "equivalence/nearest_in_hull.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <tuple>

#include <Eigen/Dense>

namespace mdp::equivalence {
namespace {

class Wolfe {
 public:
  Wolfe(std::span<const double> points, std::size_t dimension)
      : points_(points.data(), static_cast<Eigen::Index>(dimension),
                static_cast<Eigen::Index>(points.size() / dimension)) {
    scale_ = points_.cwiseAbs().maxCoeff();
    if (!(scale_ > 0.0)) scale_ = 1.0;
    Eigen::Index start = 0;
    (points_ / scale_).colwise().squaredNorm().minCoeff(&start);
    corral_ = {static_cast<std::size_t>(start)};
    weight_ = {1.0};
    move();
  }

  NearestInHull run() {
    // Each major step makes |x| smaller, so that no corral comes back; rounding may end it first.
    for (int step = 0; step < 1000; ++step) {
      Eigen::Index entering = 0;
      const double least = (x_.transpose() * points_).minCoeff(&entering) / scale_;
      gap_ = std::max(0.0, x_.squaredNorm() - least);
      const double rounding = 1e-15 * static_cast<double>(x_.size() + 4);
      // The origin is inside but for rounding; or nothing is nearer. A full corral spans the space: then x = 0.
      if (x_.norm() <= rounding || gap_ <= rounding * x_.norm() || contains(static_cast<std::size_t>(entering)) ||
          corral_.size() > static_cast<std::size_t>(x_.size())) {
        break;
      }
      const auto before = std::make_tuple(corral_, weight_, x_, gap_);
      corral_.push_back(static_cast<std::size_t>(entering));
      weight_.push_back(0.0);
      settle();
      if (x_.norm() < std::get<2>(before).norm()) continue;
      std::tie(corral_, weight_, x_, gap_) = before;
      break;
    }
    NearestInHull result;
    result.corral = corral_;
    result.weight = weight_;
    result.nearest.resize(static_cast<std::size_t>(x_.size()));
    for (Eigen::Index i = 0; i < x_.size(); ++i) result.nearest[static_cast<std::size_t>(i)] = x_[i] * scale_;
    result.square = x_.squaredNorm() * scale_ * scale_;
    result.gap = gap_ * scale_ * scale_;
    return result;
  }

 private:
  [[nodiscard]] bool contains(std::size_t point) const {
    return std::find(corral_.begin(), corral_.end(), point) != corral_.end();
  }
  [[nodiscard]] auto point(std::size_t i) const { return points_.col(static_cast<Eigen::Index>(i)) / scale_; }

  void move() {
    x_ = Eigen::VectorXd::Zero(points_.rows());
    for (std::size_t i = 0; i < corral_.size(); ++i) x_ += weight_[i] * point(corral_[i]);
  }

  // Minor steps: to the nearest point of the affine hull of the corral, dropping points whose weight would be negative.
  void settle() {
    for (;;) {
      const std::vector<double> target = affine_minimiser();
      const auto negative = [](double w) { return w <= 1e-14; };
      if (std::none_of(target.begin(), target.end(), negative)) {
        weight_ = target;
        break;
      }
      double step = 1.0;
      for (std::size_t i = 0; i < target.size(); ++i) {
        if (negative(target[i]) && weight_[i] > target[i]) step = std::min(step, weight_[i] / (weight_[i] - target[i]));
      }
      std::size_t lowest = 0;
      for (std::size_t i = 0; i < target.size(); ++i) {
        weight_[i] += step * (target[i] - weight_[i]);
        if (weight_[i] < weight_[lowest]) lowest = i;
      }
      corral_.erase(corral_.begin() + static_cast<std::ptrdiff_t>(lowest));
      weight_.erase(weight_.begin() + static_cast<std::ptrdiff_t>(lowest));
      if (corral_.size() == 1) {
        weight_ = {1.0};
        break;
      }
    }
    double sum = 0.0;
    for (const double w : weight_) sum += w;
    for (double& w : weight_) w /= sum;
    move();
  }

  // min |sum w_i p_i| over sum w_i = 1: least squares in the differences from the first point.
  [[nodiscard]] std::vector<double> affine_minimiser() const {
    const auto n = static_cast<Eigen::Index>(corral_.size());
    Eigen::MatrixXd differences(points_.rows(), n - 1);
    for (Eigen::Index i = 1; i < n; ++i) {
      differences.col(i - 1) = point(corral_[static_cast<std::size_t>(i)]) - point(corral_[0]);
    }
    const Eigen::VectorXd w = differences.completeOrthogonalDecomposition().solve(-point(corral_[0]));
    std::vector<double> target(corral_.size());
    target[0] = 1.0 - w.sum();
    for (Eigen::Index i = 1; i < n; ++i) target[static_cast<std::size_t>(i)] = w[i - 1];
    return target;
  }

  Eigen::Map<const Eigen::MatrixXd> points_;
  double scale_ = 1.0;
  std::vector<std::size_t> corral_;
  std::vector<double> weight_;
  Eigen::VectorXd x_;
  double gap_ = 0.0;
};

}  // namespace

NearestInHull nearest_in_hull(std::span<const double> points, std::size_t dimension) {
  return Wolfe(points, dimension).run();
}

}  // namespace mdp::equivalence
