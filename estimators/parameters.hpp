// estimators/parameters.hpp — what an estimator differentiates by, and the scores of a step (theory.md, section 5).
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::estimators {

/// The derivatives that are estimated. nu: logits of a tabular softmax policy, one per row. theta: logits of tabular softmax
/// transitions, one per stored transition, and costs, one per row.
enum class Quantity {
  policy_gradient,  ///< dJ/dnu [n_rows]
  model_gradient,   ///< dJ/dtheta [n_transitions + n_rows]: transition logits, then costs
  policy_hessian,   ///< d2J/dnu dnu
  mixed,            ///< d2J/dnu dtheta
  model_hessian,    ///< d2J/dtheta dtheta
  sensitivity,      ///< dnu*/dtheta = -(d2J/dnu dnu)^-1 d2J/dnu dtheta (D6), one logit of each state held fixed
  world_gradient    ///< (dnu*/dtheta)^T dJ_world/dnu
};

[[nodiscard]] std::string_view word(Quantity quantity);
/// Whether it is a matrix of second derivatives.
[[nodiscard]] bool is_second_order(Quantity quantity);

enum class ParameterKind { policy_logit, probability_logit, cost };

struct Parameter {
  ParameterKind kind = ParameterKind::policy_logit;
  Offset index = 0;  ///< row; transition for probability_logit
};

/// All parameters of a kind, in order.
[[nodiscard]] std::vector<Parameter> policy_logits(const Mdp& mdp);
[[nodiscard]] std::vector<Parameter> model_parameters(const Mdp& mdp);

/// u in the space of all parameters; an empty part is zero.
struct Direction {
  std::vector<double> policy_logit;       ///< [n_rows]
  std::vector<double> probability_logit;  ///< [n_transitions]
  std::vector<double> cost;               ///< [n_rows]
};

[[nodiscard]] Direction axis(const Mdp& mdp, const Parameter& parameter);

/// How the log-probabilities and the cost of a step change along one direction u, or (second derivatives) along two.
struct Scores {
  double policy = 0.0;      ///< d log pi(a|s)
  double transition = 0.0;  ///< d log rho(s'|s,a)
  double cost = 0.0;        ///< d L(s,a)
};

/// u^T sigma of every row and transition: sigma(s,a) = e(s,a) - pi(.|s) and likewise for successors. With an entropy
/// weight beta the cost of a row is L + beta log pi, whose derivative is beta u^T sigma.
class DirectionScores {
 public:
  DirectionScores(const Mdp& mdp, std::span<const double> policy, const Direction& direction, double temperature);

  /// \param entry  transition, or -1: no successor is drawn
  [[nodiscard]] Scores at(Offset row, Offset entry) const {
    const auto r = static_cast<std::size_t>(row);
    return {policy_[r], entry < 0 ? 0.0 : transition_[static_cast<std::size_t>(entry)], cost_[r]};
  }
  [[nodiscard]] std::span<const double> policy() const { return policy_; }          ///< [n_rows]
  [[nodiscard]] std::span<const double> transition() const { return transition_; }  ///< [n_transitions]
  [[nodiscard]] std::span<const double> cost() const { return cost_; }              ///< [n_rows]

 private:
  std::vector<double> policy_, transition_, cost_;
};

/// Second derivatives along u and w: -Cov_pi(u, w) of the logits of the row's state, -Cov_rho(u, w) of those of its
/// successors, and beta times the first for the entropy cost.
class DirectionCurvature {
 public:
  DirectionCurvature(const Mdp& mdp, std::span<const double> policy, const Direction& u, const Direction& w,
                     double temperature);

  [[nodiscard]] Scores at(Offset row, Offset entry) const {
    const auto r = static_cast<std::size_t>(row);
    return {policy_[r], entry < 0 ? 0.0 : transition_[r], temperature_ * policy_[r]};
  }

 private:
  std::vector<double> policy_, transition_;
  double temperature_;
};

/// The scores of single parameters, one by one, for evaluation along a path.
class ParameterScores {
 public:
  ParameterScores(const Mdp& mdp, std::span<const double> policy, const Parameter& parameter, double temperature);

  /// State of a policy logit, row of the other kinds: no other step has a score.
  [[nodiscard]] Offset owner() const { return owner_; }
  [[nodiscard]] Scores at(State s, Offset row, Offset entry) const;
  /// Second derivatives by this parameter and another.
  [[nodiscard]] Scores curvature(const ParameterScores& other, State s, Offset row, Offset entry) const;

 private:
  Parameter parameter_;
  Offset owner_;
  double probability_ = 0.0;
  double temperature_;
};

}  // namespace mdp::estimators
