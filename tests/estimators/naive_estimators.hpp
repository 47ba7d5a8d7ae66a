#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "estimators/estimator.hpp"
#include "estimators/stage_derivatives.hpp"

// The estimators of theory.md, section 5, as the formulas stand there: dense vectors over all parameters, sums over t <= k
// written out. Nothing of the recursions is used.
namespace mdp::tests {

using mdp::estimators::Parameter;
using mdp::estimators::ParameterKind;
using mdp::estimators::Problem;
using mdp::estimators::SampledPath;

/// Scores, second derivatives of the log-probabilities, costs and values of every step of one path.
class NaivePath {
 public:
  using Vector = std::vector<double>;

  /// \param derivatives  of the values by every parameter, for estimators that take them
  NaivePath(const Problem& problem, const SampledPath& path, const std::vector<Parameter>& parameters,
            const std::vector<mdp::estimators::ValueDerivatives>& derivatives)
      : p_(problem), path_(path), parameters_(parameters), derivatives_(derivatives), n_(parameters.size()) {
    for (std::size_t t = 0; t < path.row.size(); ++t) {
      action.push_back(score(t, true));
      arrival.push_back(t == 0 ? Vector(n_) : score(t - 1, false));
      d_cost.push_back(cost_derivative(t));
      power.push_back(std::pow(problem.mdp().discount(), static_cast<double>(t)));
      cost.push_back(problem.cost()[path.row[t]]);
      ratio.push_back(problem.policy()[path.row[t]] / problem.behaviour()[path.row[t]]);
    }
  }

  /// sigma_t = sigma^pi_t + sigma^rho_t, the latter of the transition that led to s_t.
  [[nodiscard]] double sigma(std::size_t t, std::size_t i) const { return action[t][i] + arrival[t][i]; }
  /// d2 log of the same two factors.
  [[nodiscard]] double curvature(std::size_t t, std::size_t i, std::size_t j) const {
    return second(t, i, j, true) + (t == 0 ? 0.0 : second(t - 1, i, j, false));
  }
  [[nodiscard]] double action_curvature(std::size_t t, std::size_t i, std::size_t j) const {
    return second(t, i, j, true);
  }
  /// d2 L = beta d2 log pi.
  [[nodiscard]] double cost_curvature(std::size_t t, std::size_t i, std::size_t j) const {
    return p_.temperature() * second(t, i, j, true);
  }
  [[nodiscard]] double value(std::size_t t) const { return p_.stages().values(t)[path_.state[t]]; }
  [[nodiscard]] double next_mean(std::size_t t) const { return p_.stages().next_mean(t)[path_.row[t]]; }
  [[nodiscard]] double q(std::size_t t) const { return cost[t] + p_.mdp().discount() * next_mean(t); }
  /// sum_{k>=t} gamma^(k-t) L_k.
  [[nodiscard]] double g(std::size_t t) const {
    double sum = 0.0;
    for (std::size_t k = t; k < cost.size(); ++k) sum += power[k - t] * cost[k];
    return sum;
  }
  [[nodiscard]] double one_step(std::size_t t) const {
    return cost[t] + (t + 1 < cost.size() ? p_.mdp().discount() * value(t + 1) : 0.0);
  }
  /// dQ_t(s_t, a_t) - dV_t(s_t) by parameter j.
  [[nodiscard]] double advantage_derivative(std::size_t t, std::size_t j) const {
    const auto stage = static_cast<std::int64_t>(t);
    return derivatives_[j].q_of(stage, path_.row[t]) - derivatives_[j].value_of(stage, path_.state[t]);
  }
  [[nodiscard]] std::size_t steps() const { return cost.size(); }

  std::vector<Vector> action, arrival, d_cost;
  Vector power, cost, ratio;

 private:
  [[nodiscard]] Vector score(std::size_t t, bool of_action) const {
    Vector v(n_);
    const Mdp& m = p_.mdp();
    for (std::size_t i = 0; i < n_; ++i) {
      const Parameter& a = parameters_[i];
      if (of_action && a.kind == ParameterKind::policy_logit && m.state_of(a.index) == path_.state[t]) {
        v[i] = (a.index == path_.row[t] ? 1.0 : 0.0) - p_.policy()[a.index];
      }
      if (!of_action && a.kind == ParameterKind::probability_logit && in_row(a.index, path_.row[t])) {
        v[i] = (a.index == path_.entry[t] ? 1.0 : 0.0) - m.probability()[a.index];
      }
    }
    return v;
  }
  [[nodiscard]] Vector cost_derivative(std::size_t t) const {
    Vector v(n_);
    for (std::size_t i = 0; i < n_; ++i) {
      v[i] = p_.temperature() * action[t][i];
      if (parameters_[i].kind == ParameterKind::cost && parameters_[i].index == path_.row[t]) v[i] += 1.0;
    }
    return v;
  }
  [[nodiscard]] double second(std::size_t t, std::size_t i, std::size_t j, bool of_action) const {
    const Parameter& a = parameters_[i];
    const Parameter& b = parameters_[j];
    if (a.kind != b.kind || a.kind == ParameterKind::cost) return 0.0;
    const Mdp& m = p_.mdp();
    const bool logits = a.kind == ParameterKind::policy_logit;
    if (logits != of_action) return 0.0;
    if (logits && (m.state_of(a.index) != path_.state[t] || m.state_of(b.index) != path_.state[t])) return 0.0;
    if (!logits && (!in_row(a.index, path_.row[t]) || !in_row(b.index, path_.row[t]))) return 0.0;
    const double x = logits ? p_.policy()[a.index] : m.probability()[a.index];
    const double y = logits ? p_.policy()[b.index] : m.probability()[b.index];
    return x * y - (a.index == b.index ? x : 0.0);
  }
  [[nodiscard]] bool in_row(Offset entry, Offset row) const {
    return p_.mdp().row_begin()[row] <= entry && entry < p_.mdp().row_begin()[row + 1];
  }

  const Problem& p_;
  const SampledPath& path_;
  const std::vector<Parameter>& parameters_;
  const std::vector<mdp::estimators::ValueDerivatives>& derivatives_;
  std::size_t n_;
};

/// One component of a first-order estimate; NaN for a name that has no formula here.
inline double naive_first(const std::string& name, const NaivePath& x, double constant, std::size_t i) {
  double estimate = 0.0;
  double weight = 1.0;
  for (std::size_t t = 0; t < x.steps(); ++t) weight *= x.ratio[t];
  for (std::size_t k = 0; k < x.steps(); ++k) {
    double c = 0.0;       // sum of sigma_t over t <= k
    double all = 0.0;     // over all t
    double ratios = 1.0;  // of the steps up to k
    for (std::size_t t = 0; t < x.steps(); ++t) all += x.sigma(t, i);
    for (std::size_t t = 0; t <= k; ++t) c += x.sigma(t, i);
    for (std::size_t t = 0; t <= k; ++t) ratios *= x.ratio[t];
    const double before = k == 0 ? 0.0 : x.next_mean(k - 1);  // E[V_k | s_{k-1}, a_{k-1}]
    const double pi = x.action[k][i];
    const double rho = x.arrival[k][i];
    double term = x.d_cost[k][i];
    double gamma = x.power[k];
    if (name == "full-score") term += x.cost[k] * all;
    if (name == "causal") term += x.cost[k] * c;
    if (name == "causal-constant-baseline") term += x.cost[k] * c - constant * x.sigma(k, i);
    if (name == "causal-state-baseline") term += x.cost[k] * c - x.value(k) * pi - before * rho;
    if (name == "critic-exact") term += pi * (x.q(k) - x.value(k)) + rho * (x.value(k) - before);
    if (name == "actor-critic" || name == "actor-critic-undiscounted") {
      term += pi * (x.one_step(k) - x.value(k)) + rho * (x.one_step(k) - before);
    }
    if (name == "actor-critic-undiscounted") gamma = 1.0;
    if (name == "per-step-score") term += x.cost[k] * x.sigma(k, i);
    if (name == "importance") term = weight * (x.d_cost[k][i] + x.cost[k] * c);
    if (name == "importance-per-decision") term = ratios * (x.d_cost[k][i] + x.cost[k] * c);
    estimate += gamma * term;
  }
  return estimate;
}

/// One entry of a second-order estimate.
inline double naive_second(const std::string& name, const NaivePath& x, std::size_t i, std::size_t j) {
  const std::size_t n = x.steps();
  double zi = 0.0, zj = 0.0, z2 = 0.0, g = 0.0, gi = 0.0, gj = 0.0, g2 = 0.0;  // of the whole path
  for (std::size_t t = 0; t < n; ++t) {
    zi += x.sigma(t, i);
    zj += x.sigma(t, j);
    z2 += x.curvature(t, i, j);
    g += x.power[t] * x.cost[t];
    gi += x.power[t] * x.d_cost[t][i];
    gj += x.power[t] * x.d_cost[t][j];
    g2 += x.power[t] * x.cost_curvature(t, i, j);
  }
  if (name == "full-hessian") return g * (z2 + zi * zj) + gi * zj + zi * gj + g2;
  double h = 0.0;
  double gradient_i = 0.0, gradient_j = 0.0, derivative_ij = 0.0, derivative_ji = 0.0;  // HAPG's g and dg
  for (std::size_t k = 0; k < n; ++k) {
    double ci = 0.0, cj = 0.0, c2 = 0.0;
    for (std::size_t t = 0; t <= k; ++t) {
      ci += x.sigma(t, i);
      cj += x.sigma(t, j);
      c2 += x.curvature(t, i, j);
    }
    const double direct = x.cost_curvature(k, i, j);
    if (name == "causal-hessian" || name == "dice") {
      h += x.power[k] * (x.cost[k] * (ci * cj + c2) + x.d_cost[k][i] * cj + ci * x.d_cost[k][j] + direct);
    }
    const double parts = x.action[k][i] * x.action[k][j] + x.action_curvature(k, i, j);
    if (name == "lvc") h += x.power[k] * (parts * x.g(k) + direct);
    if (name == "gauss-newton") h += x.power[k] * (parts * (x.q(k) - x.value(k)) + direct);
    if (name == "critic-hessian-exact") {
      const double advantage = x.q(k) - x.value(k);
      const double state_score = cj - x.action[k][j];  // of s_k: all that led to it
      h += x.power[k] * (parts * advantage + x.action[k][i] * (x.advantage_derivative(k, j) + advantage * state_score));
    }
    double ri = 0.0, rj = 0.0;  // derivatives of R_k = gamma^k G_k at fixed path
    for (std::size_t l = k; l < n; ++l) {
      ri += x.power[l] * x.d_cost[l][i];
      rj += x.power[l] * x.d_cost[l][j];
    }
    const double r = x.power[k] * x.g(k);
    gradient_i += x.power[k] * x.d_cost[k][i] + x.sigma(k, i) * r;
    gradient_j += x.power[k] * x.d_cost[k][j] + x.sigma(k, j) * r;
    derivative_ij += x.power[k] * direct + x.curvature(k, i, j) * r + x.sigma(k, i) * rj;
    derivative_ji += x.power[k] * direct + x.curvature(k, i, j) * r + x.sigma(k, j) * ri;
  }
  if (name == "hapg") return 0.5 * (gradient_i * zj + derivative_ij + gradient_j * zi + derivative_ji);
  return h;
}

}  // namespace mdp::tests
