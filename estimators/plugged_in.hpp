// estimators/plugged_in.hpp — the sampled means that composed estimators plug in, and their exact moments (E4).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <Eigen/Dense>

#include "estimators/hessian_source.hpp"
#include "estimators/judgement.hpp"
#include "estimators/sensitivity.hpp"

namespace mdp::estimators {

/// Means over some trajectories: [f * (f + p)] second derivatives and [f] gradients of the world.
struct PluggedMeans {
  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Matrix hessian, mixed;
  Eigen::VectorXd gradient;
};

/// Draws what is plugged in, and holds it against its exact moments.
class PluggedIn {
 public:
  static constexpr std::int64_t n_parts = 10;  ///< into which the trajectories of an estimate are cut

  /// Both must outlive the object.
  PluggedIn(const Sensitivity& s, const HessianSource& source);

  /// Computes the exact moments, once; variances where they take at most `max_products`. False: the observer stopped it.
  bool compute_moments(double max_products, const Observer& observer);

  /// Draws anew. f(parts of one estimate) for each of options.replications estimates of `samples` trajectories. Returns false
  /// if interrupted.
  bool for_each(std::int64_t samples, const JudgementOptions& options,
                const std::function<void(std::span<const PluggedMeans>)>& f);

  /// What the last for_each() drew against compute_moments(): of second derivatives and of the world's gradient the one that
  /// is nearer to its limit, each at half the level.
  [[nodiscard]] Judgement judged(JudgementOptions options) const;

  /// Drawn by the last for_each(), in both problems.
  [[nodiscard]] std::int64_t transitions() const { return second_.transitions + gradients_.transitions; }

 private:
  bool draw_world(SamplingOptions options);
  [[nodiscard]] PluggedMeans means(const Tally& part) const;

  const Sensitivity& s_;
  std::unique_ptr<Statistic> second_statistic_, gradient_statistic_;  // the latter null without a world
  ExactMoments exact_second_, exact_gradient_;
  Tally second_, gradients_;  // sums of the last for_each()
  std::vector<Eigen::VectorXd> world_;
};

}  // namespace mdp::estimators
