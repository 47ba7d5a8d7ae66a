#include "estimators/parameters.hpp"

#include <algorithm>
#include <cstddef>

namespace mdp::estimators {
namespace {

std::size_t pos(Offset i) { return static_cast<std::size_t>(i); }

/// out[i] = u[i] - sum_j p[j] u[j] over each of the consecutive ranges of a discrete law; 0 for an empty u.
std::vector<double> centred(std::span<const Offset> begin, std::span<const double> p, std::span<const double> u) {
  std::vector<double> out(p.size(), 0.0);
  if (u.empty()) return out;
  for (std::size_t range = 0; range + 1 < begin.size(); ++range) {
    double mean = 0.0;
    for (Offset i = begin[range]; i < begin[range + 1]; ++i) mean += p[pos(i)] * u[pos(i)];
    for (Offset i = begin[range]; i < begin[range + 1]; ++i) out[pos(i)] = u[pos(i)] - mean;
  }
  return out;
}

/// -Cov_p(u, w) of each range; 0 if either is empty.
std::vector<double> negative_covariance(std::span<const Offset> begin, std::span<const double> p,
                                        std::span<const double> u, std::span<const double> w) {
  std::vector<double> out(begin.size() - 1, 0.0);
  if (u.empty() || w.empty()) return out;
  const std::vector<double> deviation = centred(begin, p, u);
  for (std::size_t range = 0; range + 1 < begin.size(); ++range) {
    for (Offset i = begin[range]; i < begin[range + 1]; ++i) out[range] -= p[pos(i)] * deviation[pos(i)] * w[pos(i)];
  }
  return out;
}

}  // namespace

std::string_view word(Quantity quantity) {
  switch (quantity) {
    case Quantity::policy_gradient: return "policy-gradient";
    case Quantity::model_gradient: return "model-gradient";
    case Quantity::policy_hessian: return "policy-hessian";
    case Quantity::mixed: return "mixed";
    case Quantity::model_hessian: return "model-hessian";
    case Quantity::sensitivity: return "sensitivity";
    case Quantity::world_gradient: return "world-gradient";
  }
  return "";
}

bool is_second_order(Quantity quantity) {
  return quantity == Quantity::policy_hessian || quantity == Quantity::mixed || quantity == Quantity::model_hessian;
}

std::vector<Parameter> policy_logits(const Mdp& mdp) {
  std::vector<Parameter> result;
  for (Offset row = 0; row < mdp.n_rows(); ++row) result.push_back({ParameterKind::policy_logit, row});
  return result;
}

std::vector<Parameter> model_parameters(const Mdp& mdp) {
  std::vector<Parameter> result;
  for (Offset i = 0; i < mdp.n_transitions(); ++i) result.push_back({ParameterKind::probability_logit, i});
  for (Offset row = 0; row < mdp.n_rows(); ++row) result.push_back({ParameterKind::cost, row});
  return result;
}

Direction axis(const Mdp& mdp, const Parameter& parameter) {
  Direction u;
  const auto unit = [&](Offset n) {
    std::vector<double> e(pos(n), 0.0);
    e[pos(parameter.index)] = 1.0;
    return e;
  };
  switch (parameter.kind) {
    case ParameterKind::policy_logit: u.policy_logit = unit(mdp.n_rows()); break;
    case ParameterKind::probability_logit: u.probability_logit = unit(mdp.n_transitions()); break;
    case ParameterKind::cost: u.cost = unit(mdp.n_rows()); break;
  }
  return u;
}

DirectionScores::DirectionScores(const Mdp& mdp, std::span<const double> policy, const Direction& direction,
                                 double temperature)
    : policy_(centred(mdp.state_rows(), policy, direction.policy_logit)),
      transition_(centred(mdp.row_begin(), mdp.probability(), direction.probability_logit)),
      cost_(direction.cost) {
  cost_.resize(policy_.size(), 0.0);
  for (std::size_t row = 0; row < cost_.size(); ++row) cost_[row] += temperature * policy_[row];
}

DirectionCurvature::DirectionCurvature(const Mdp& mdp, std::span<const double> policy, const Direction& u,
                                       const Direction& w, double temperature)
    : policy_(pos(mdp.n_rows()), 0.0),
      transition_(negative_covariance(mdp.row_begin(), mdp.probability(), u.probability_logit, w.probability_logit)),
      temperature_(temperature) {
  const auto of_state = negative_covariance(mdp.state_rows(), policy, u.policy_logit, w.policy_logit);
  for (State s = 0; s < mdp.n_states(); ++s) {
    for (Offset row = mdp.state_rows()[pos(s)]; row < mdp.state_rows()[pos(s) + 1]; ++row)
      policy_[pos(row)] = of_state[pos(s)];
  }
}

ParameterScores::ParameterScores(const Mdp& mdp, std::span<const double> policy, const Parameter& parameter,
                                 double temperature)
    : parameter_(parameter), owner_(parameter.index), temperature_(temperature) {
  if (parameter.kind == ParameterKind::policy_logit) {
    owner_ = mdp.state_of(parameter.index);
    probability_ = policy[pos(parameter.index)];
  } else if (parameter.kind == ParameterKind::probability_logit) {
    const auto after = std::ranges::upper_bound(mdp.row_begin(), parameter.index);
    owner_ = after - mdp.row_begin().begin() - 1;
    probability_ = mdp.probability()[pos(parameter.index)];
  }
}

Scores ParameterScores::at(State s, Offset row, Offset entry) const {
  switch (parameter_.kind) {
    case ParameterKind::policy_logit: {
      if (s != owner_) return {};
      const double sigma = (row == parameter_.index ? 1.0 : 0.0) - probability_;
      return {sigma, 0.0, temperature_ * sigma};
    }
    case ParameterKind::probability_logit:
      if (row != owner_ || entry < 0) return {};
      return {0.0, (entry == parameter_.index ? 1.0 : 0.0) - probability_, 0.0};
    case ParameterKind::cost: return {0.0, 0.0, row == owner_ ? 1.0 : 0.0};
  }
  return {};
}

Scores ParameterScores::curvature(const ParameterScores& other, State s, Offset row, Offset entry) const {
  if (parameter_.kind != other.parameter_.kind || owner_ != other.owner_) return {};
  const double same = parameter_.index == other.parameter_.index ? probability_ : 0.0;
  const double second = -(same - probability_ * other.probability_);
  if (parameter_.kind == ParameterKind::policy_logit) {
    return s == owner_ ? Scores{second, 0.0, temperature_ * second} : Scores{};
  }
  if (parameter_.kind == ParameterKind::probability_logit && row == owner_ && entry >= 0) return {0.0, second, 0.0};
  return {};
}

}  // namespace mdp::estimators
