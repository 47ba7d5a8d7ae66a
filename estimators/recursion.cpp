#include "estimators/recursion.hpp"

#include <cstddef>
#include <string>

#include "libmdp/error.hpp"

namespace mdp::estimators {

Step common_step(const Problem& problem, const Critic& critic, bool off_policy, std::int64_t t, State s, Offset row,
                 Offset entry) {
  const Mdp& mdp = problem.mdp();
  Step step;
  step.discount = mdp.discount();
  step.cost = problem.cost()[at(row)];
  if (off_policy) step.ratio = problem.policy()[at(row)] / problem.behaviour()[at(row)];
  step.value = critic.value(t, s);
  step.q = critic.q(t, row);
  step.next_mean = critic.next_mean(t, row);
  if (entry >= 0) step.next_value = critic.value(t + 1, mdp.next_state()[at(entry)]);
  if (!problem.options().baseline.empty()) step.baseline = problem.options().baseline[at(s)];
  return step;
}

void require_affordable(const ValueDerivatives& one, std::size_t n) {
  const double numbers = static_cast<double>(one.q.size() + one.value.size()) * static_cast<double>(n);
  if (numbers <= 2.5e8) return;
  throw InvalidArgument("the derivatives of the critic by " + std::to_string(n) + " parameters at every stage are " +
                        std::to_string(numbers) + " numbers, at most 2.5e8: take fewer stages");
}

TargetScores::TargetScores(const Problem& problem, std::span<const Parameter> parameters) {
  const Mdp& mdp = problem.mdp();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    scores_.emplace_back(mdp, problem.policy(), parameters[i], problem.temperature());
    const bool by_state = parameters[i].kind == ParameterKind::policy_logit;
    auto& owners = by_state ? of_state_ : of_row_;
    if (owners.empty()) owners.resize(at(by_state ? mdp.n_states() : mdp.n_rows()));
    owners[at(scores_.back().owner())].push_back(i);
  }
}

void TargetScores::touched_by(const SampledPath& path, PathScratch& scratch, std::vector<std::size_t>& touched) const {
  touched.clear();
  const std::uint32_t call = ++scratch.call;
  const auto meet = [&](const std::vector<std::vector<std::size_t>>& owners, std::vector<std::uint32_t>& seen,
                        std::size_t owner) {
    if (owners.empty() || seen[owner] == call) return;
    seen[owner] = call;
    touched.insert(touched.end(), owners[owner].begin(), owners[owner].end());
  };
  for (std::size_t t = 0; t < path.row.size(); ++t) {
    meet(of_state_, scratch.seen_state, at(path.state[t]));
    meet(of_row_, scratch.seen_row, at(path.row[t]));
  }
}

Observer of_piece(const Observer& whole, std::size_t k, std::size_t n) {
  if (!whole) return {};
  return [whole, k, n](double fraction) { return whole((static_cast<double>(k) + fraction) / static_cast<double>(n)); };
}

void Tally::merge(const Tally& other) {
  for (std::size_t i = 0; i < sum.size(); ++i) {
    sum[i] += other.sum[i];
    squares[i] += other.squares[i];
    cubes[i] += other.cubes[i];
    fourths[i] += other.fourths[i];
  }
  n_trajectories += other.n_trajectories;
  transitions += other.transitions;
}

Targets targets_of(const Mdp& mdp, Quantity quantity) {
  switch (quantity) {
    case Quantity::policy_gradient: return {policy_logits(mdp), {}, false};
    case Quantity::model_gradient: return {model_parameters(mdp), {}, false};
    case Quantity::policy_hessian: return {policy_logits(mdp), policy_logits(mdp), true};
    case Quantity::mixed: return {policy_logits(mdp), model_parameters(mdp), false};
    case Quantity::model_hessian: return {model_parameters(mdp), model_parameters(mdp), true};
    case Quantity::sensitivity:
    case Quantity::world_gradient: break;
  }
  return {};
}

std::string_view word(BiasSource source) {
  switch (source) {
    case BiasSource::none: return "none";
    case BiasSource::critic: return "critic";
    case BiasSource::ratio: return "ratio";
    case BiasSource::state_weighting: return "state_weighting";
    case BiasSource::per_step_score: return "per_step_score";
    case BiasSource::missing_terms: return "missing_terms";
    case BiasSource::difference: return "difference";
  }
  return "";
}

bool Estimator::estimates(Quantity quantity) const {
  return std::ranges::find(quantities, quantity) != quantities.end();
}

}  // namespace mdp::estimators
