// estimators/sensitivity.hpp — how the policy's optimum moves with the model, and what that does to the world (D6, E4).
#pragma once

#include <string>
#include <vector>

#include "estimators/estimator.hpp"
#include "estimators/problem.hpp"

namespace mdp::estimators {

/// dnu/dtheta = -H^-1 M of the N-stage objective with entropy, H = d2J/dnu dnu, M = d2J/dnu dtheta, and for a world
/// dJ_world/dtheta = (dnu/dtheta)^T dJ_world/dnu. Softmax logits of a state may all be shifted: the last one is held
/// fixed. What is left, in states with a choice that the model reaches within N stages, is `free`.
class Sensitivity {
 public:
  /// \param model  temperature > 0; outlives this object. At its optimum this is D6; anywhere else it is the formula.
  /// \param world  the same rows, temperature 0, or null; outlives this object
  /// \throws InvalidArgument without entropy (no finite optimum exists, D6), if H is singular, or if the world visits a
  ///         state that the model does not (undetermined there, D6), named.
  Sensitivity(const Problem& model, const Problem* world);

  /// The same with other matrices in place of H and M: what estimates of those tend to.
  /// \param hessian  [f * f] \param mixed  [f * p]  \throws InvalidArgument if `hessian` is singular
  [[nodiscard]] Sensitivity with_hessians(std::vector<double> hessian, std::vector<double> mixed) const;

  [[nodiscard]] const Problem& model() const { return *model_; }
  [[nodiscard]] const Problem* world() const { return world_; }
  [[nodiscard]] const std::vector<Parameter>& free() const { return free_; }    ///< policy logits
  [[nodiscard]] const std::vector<Parameter>& theta() const { return theta_; }  ///< model_parameters()
  [[nodiscard]] std::size_t n_free() const { return free_.size(); }
  [[nodiscard]] std::size_t n_theta() const { return theta_.size(); }

  [[nodiscard]] const std::vector<double>& hessian() const { return hessian_; }          ///< [f * f]
  [[nodiscard]] const std::vector<double>& mixed() const { return mixed_; }              ///< [f * p]
  [[nodiscard]] const std::vector<double>& inverse() const { return inverse_; }          ///< [f * f] H^-1
  [[nodiscard]] const std::vector<double>& policy_derivative() const { return s_; }      ///< [f * p] S = -H^-1 M
  [[nodiscard]] const std::vector<double>& world_gradient() const { return gradient_; }  ///< [f] dJ_world/dnu
  [[nodiscard]] const std::vector<double>& adjoint() const { return adjoint_; }          ///< [f] -H^-1 dJ_world/dnu
  [[nodiscard]] const std::vector<double>& total() const { return total_; }              ///< [p] dJ_world/dtheta
  /// |dJ/dnu| of the model: 0 at the N-stage optimum.
  [[nodiscard]] double in_sim_gradient_norm() const { return in_sim_gradient_norm_; }

 private:
  void solve(std::vector<double> hessian, std::vector<double> mixed);

  const Problem* model_;
  const Problem* world_;
  std::vector<Parameter> free_, theta_;
  std::vector<double> hessian_, mixed_, inverse_, s_, gradient_, adjoint_, total_;
  double in_sim_gradient_norm_ = 0.0;
};

/// The infinite-horizon counterparts at the model's soft optimum: d log pi from D4, shifted to the same gauge, and D8 chained to
/// logits. Empty where they are refused. \param policy must be that optimum
[[nodiscard]] std::vector<double> infinite_policy_derivative(const Sensitivity& s);
[[nodiscard]] std::vector<double> infinite_world_gradient(const Sensitivity& s);

}  // namespace mdp::estimators
