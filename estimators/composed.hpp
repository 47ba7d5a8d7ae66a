// estimators/composed.hpp — derivatives of the policy's optimum by plugging sampled Hessians in (theory.md, E4).
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "estimators/hessian_source.hpp"
#include "estimators/judgement.hpp"
#include "estimators/sensitivity.hpp"

namespace mdp::estimators {

/// H' and M' are means over the n trajectories of an estimate, g' the mean of causal gradients over n of the world. The first
/// four take causal Hessians (E2); all are ratios, biased by O(1/n) but for the jackknife. The last two take the differentiated
/// actor-critic condition (E3, CriticHessian): far less variance, and with learned critics a bias that stays.
enum class ComposedForm {
  plug_in,       ///< S' = -H'^-1 M'
  ridge,         ///< -(H'^2 + r^2)^-1 H' M', r^2 = |H'|_F^2 / n
  jackknife,     ///< G S' - (G-1) mean of the S' without one of G = 10 parts of the data: no O(1/n) bias
  split,         ///< H' from one half of the trajectories, M' from the other
  critic_exact,  ///< S' with exact Q, V and their derivatives
  critic_lstd    ///< S' with Q, V and their derivatives learned by LSTD from one batch
};

/// In the order of the enumeration: plug-in, plug-in-ridge, plug-in-jackknife, plug-in-split, critic-sensitivity-exact,
/// critic-sensitivity-lstd.
[[nodiscard]] const std::vector<std::string>& composed_names();

/// The estimator of second derivatives that a form plugs in. \param problem  must outlive the result
[[nodiscard]] std::unique_ptr<const HessianSource> hessian_source(const Problem& problem, ComposedForm form);

/// What H' and M' tend to: E h, and with it S and the world gradient. s itself for causal Hessians. With critics the means are
/// those given the critics. \throws InvalidArgument if E H' is singular
[[nodiscard]] Sensitivity limit_of(const Sensitivity& s, const HessianSource& source, ComposedForm form);

/// Moments by the delta method, of ONE trajectory as Var ~ `variance` / n, bias ~ `bias_times_n` / n about the limit. With
/// w_j = (S_j, e_j), the direction in which theta_j moves policy and model together, and a^T = -e_i^T H^-1 (entry i of S) or the
/// adjoint -(dJ_world/dnu)^T H^-1 (world gradient), the influence of a trajectory with Hessian h is h[a, w_j]: E = 0, and
///     variance    Var h[a, w_j]                                         (+ Var of the world's causal gradient along S_j),
///     bias        -a^T Cov(h H^-1, h w_j)  = -a^T (E[h H^-1 h w_j] - E h H^-1 E[h w_j]),
///     ridge       the same, bias - |H|_F^2 (H^-2 S)_ij,
///     jackknife   the same, bias 0,
///     split       2 (Var h[a, (S_j, 0)] + Var h[a, (0, e_j)]) and twice the bias with (S_j, 0) in place of w_j,
/// H and S those of limit_of(). Proof: (H + D) S' = -(M + E) gives S' - S = -H^-1 (D S + E) + H^-1 D H^-1 (D S + E) +
/// O(|D|^3). The variances are second-moment recursions along two directions; the biases of all outputs of a theta_j are one
/// recursion (X2).
class DeltaMethod {
 public:
  /// \param limit    limit_of(); it and `source` must outlive the object
  /// \param observer of all that is computed; once it has said stop, nothing is
  DeltaMethod(const Sensitivity& limit, const HessianSource& source, double max_products, Observer observer = {});

  /// Variances and biases are empty where they take more than `max_products`, or if stopped.
  [[nodiscard]] ExactMoments moments(ComposedForm form);

  /// sqrt(E |H^-1 (h - H)|_F^2): divided by sqrt(n), the parameter in which the method expands. Where it is not small, the
  /// estimates are far from their limit law. NaN if it takes more than `max_products`, or if stopped.
  [[nodiscard]] double relative_noise();

  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  enum Along { both, policy, model, n_along };  // w_j, (S_j, 0), (0, e_j)

  [[nodiscard]] std::size_t n_outputs() const;
  [[nodiscard]] Direction along(Along part, std::size_t j) const;
  /// f(task) for all tasks, unless stopped now or before.
  template <class F>
  void run(std::size_t n_tasks, const F& f);
  [[nodiscard]] Observer next_observer();
  const std::vector<double>& variance(Along part);
  const std::vector<double>& world_variance();
  const std::vector<double>& bias(Along part);
  [[nodiscard]] std::vector<double> split_variance();
  [[nodiscard]] std::vector<double> ridge_bias() const;

  const Sensitivity& s_;
  const HessianSource& source_;
  double max_products_;
  Observer observer_;
  bool stopped_ = false;
  std::size_t n_observed_ = 0;
  std::array<std::vector<double>, n_along> variance_, bias_;  // [n_outputs], once computed
  std::vector<double> world_variance_;                        // [p]
};

/// Samples all of `forms` from the same trajectories and compares. Forms that an interruption left without any are dropped.
/// The truth is Sensitivity::policy_derivative() or, with a world, total(). Estimates are held against the delta method where
/// relative_noise() / sqrt(n) <= 1/10 and their moments are affordable; elsewhere the means that were plugged in are held
/// against their own exact moments (Judgement::by_plugged_in).
/// \throws InvalidOption: fewer than 20 trajectories.
[[nodiscard]] std::vector<Judgement> judge_composed(const Sensitivity& s, std::span<const ComposedForm> forms,
                                                    const JudgementOptions& options);

}  // namespace mdp::estimators
