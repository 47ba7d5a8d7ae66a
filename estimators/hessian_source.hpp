// estimators/hessian_source.hpp — what composed estimators plug in: an estimator of second derivatives, and its law.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "estimators/estimator.hpp"

namespace mdp::estimators {

/// The estimate h of a trajectory as a bilinear form of directions: policy logits on the left, anything on the right.
class HessianSource {
 public:
  HessianSource() = default;
  HessianSource(const HessianSource&) = delete;
  HessianSource& operator=(const HessianSource&) = delete;
  virtual ~HessianSource() = default;

  /// The entries of h.
  [[nodiscard]] virtual std::unique_ptr<Statistic> statistic(const Targets& targets) const = 0;
  /// Var h[a, w] (X2).
  [[nodiscard]] virtual double variance(const Direction& a, const Direction& w) const = 0;
  /// E[h K h w] (X2), h the columns of `logits` in the middle. \param logits  f of the policy, on the left of h
  /// \param k  [f] columns of K, combinations of the logits   Returns [f] for each w; nothing if stopped.
  [[nodiscard]] virtual std::vector<std::vector<double>> product(std::span<const Parameter> logits,
                                                                 std::span<const Direction> k,
                                                                 std::span<const Direction> w,
                                                                 const Observer& observer) const = 0;
  /// About how many products variance() and product() take.
  [[nodiscard]] virtual double variance_products() const = 0;
  [[nodiscard]] virtual double product_products(std::size_t n_logits, std::size_t n_w) const = 0;
  /// E h - second derivatives, by its own formula. Empty: none.
  [[nodiscard]] virtual std::vector<double> bias(const Targets& targets) const = 0;
};

/// Causal Hessians (E2), and the differentiated actor-critic condition (E3) with exact and with learned critics.
/// \param problem  must outlive the result
[[nodiscard]] std::unique_ptr<const HessianSource> causal_hessians(const Problem& problem);
[[nodiscard]] std::unique_ptr<const HessianSource> exact_critic_hessians(const Problem& problem);
[[nodiscard]] std::unique_ptr<const HessianSource> lstd_critic_hessians(const Problem& problem);

}  // namespace mdp::estimators
