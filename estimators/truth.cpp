#include "estimators/truth.hpp"

#include <algorithm>
#include <cmath>

#include "estimators/stage_derivatives.hpp"
#include "libmdp/kernels/row_expectation.hpp"
#include "solvers/in_real_gradient.hpp"

namespace mdp::estimators {
namespace {

InfiniteTruth first_derivatives(const Problem& problem, const Targets& targets) {
  const Mdp entropic = problem.mdp().with_cost(Buffer<double>(problem.cost().begin(), problem.cost().end()));
  // The entropy cost depends on the logits too, but that part of the derivative has mean 0 (sum pi sigma = 0).
  const solvers::PolicyGradient g =
      solvers::policy_gradient(entropic, problem.policy(), 0.0, problem.options().threads);
  InfiniteTruth truth;
  if (g.logit_gradient.empty()) return truth;
  const Mdp& mdp = problem.mdp();
  std::vector<double> mean(at(mdp.n_rows())), mass(at(mdp.n_rows()));
  for (State s = 0; s < mdp.n_states(); ++s) {
    for (Offset row = mdp.state_rows()[at(s)]; row < mdp.state_rows()[at(s) + 1]; ++row) {
      kernels::row_expectation(mdp, row, g.values.data(), 1, &mean[at(row)]);
      mass[at(row)] = g.occupancy[at(s)] * problem.policy()[at(row)];
    }
  }
  for (const Parameter& p : targets.rows) {
    if (p.kind == ParameterKind::policy_logit) truth.value.push_back(g.logit_gradient[at(p.index)]);
    if (p.kind == ParameterKind::cost) truth.value.push_back(mass[at(p.index)]);
    if (p.kind != ParameterKind::probability_logit) continue;
    const Offset row = std::ranges::upper_bound(mdp.row_begin(), p.index) - mdp.row_begin().begin() - 1;
    truth.value.push_back(mass[at(row)] * mdp.discount() * mdp.probability()[at(p.index)] *
                          (g.values[at(mdp.next_state()[at(p.index)])] - mean[at(row)]));
  }
  const bool policy_only =
      std::ranges::all_of(targets.rows, [](const Parameter& p) { return p.kind == ParameterKind::policy_logit; });
  if (policy_only) truth.error_bound = g.logit_gradient_error_bound;
  return truth;
}

/// What a horizon of m stages leaves out of a second derivative.
double left_out(const Problem& problem, double m) {
  const double gamma = problem.mdp().discount();
  const double one = 1.0 - gamma;
  double k = 0.0;
  for (const double cost : problem.cost()) k = std::max(k, std::abs(cost));
  const double d = std::max(1.0, problem.temperature());
  return std::pow(gamma, m) *
         ((m * m + m) * k / one + 2.0 * m * (k + d) / (one * one) + 3.0 * (k + d) / (one * one * one));
}

InfiniteTruth second_derivatives(const Problem& problem, const Targets& targets, std::int64_t max_stages) {
  std::int64_t stages = problem.horizon();
  while (stages < max_stages && left_out(problem, static_cast<double>(stages)) > 1e-13) stages += stages / 4 + 16;
  InfiniteTruth truth;
  if (stages >= max_stages) return truth;
  ProblemOptions options = problem.options();
  options.horizon = stages;
  truth.value = stage_truth(Problem(problem.mdp(), problem.policy(), options), targets);
  truth.error_bound = left_out(problem, static_cast<double>(stages));
  return truth;
}

}  // namespace

std::vector<double> stage_truth(const Problem& problem, const Targets& targets) {
  if (!targets.columns.empty()) return stage_hessian(problem, targets.rows, targets.columns);
  const StageGradient g = stage_gradient(problem);
  std::vector<double> truth;
  for (const Parameter& p : targets.rows) truth.push_back(g.of(p));
  return truth;
}

InfiniteTruth infinite_truth(const Problem& problem, const Targets& targets, std::int64_t max_stages) {
  if (!(problem.mdp().exact_discount().complement.hi > 0.0)) return {};
  return targets.columns.empty() ? first_derivatives(problem, targets)
                                 : second_derivatives(problem, targets, max_stages);
}

}  // namespace mdp::estimators
