#include "estimators/methods/causal.hpp"
#include "estimators/methods/critic_form.hpp"
#include "estimators/methods/finite_difference.hpp"
#include "estimators/methods/full_score.hpp"
#include "estimators/methods/importance.hpp"
#include "estimators/methods/measure_valued.hpp"
#include "estimators/methods/self_normalised.hpp"
#include "estimators/predicted_bias.hpp"
#include "estimators/recursion.hpp"
#include "estimators/tables.hpp"

namespace mdp::estimators {
namespace {

const std::vector<Quantity> gradients = {Quantity::policy_gradient, Quantity::model_gradient};

template <class Rule>
Estimator with_learned_critic(std::string name) {
  Estimator line = recursion_estimator<Rule>(std::move(name), gradients, BiasSource::critic);
  line.predicted_bias = [](const Problem& problem, const Targets& targets) {
    return critic_bias(problem, targets, Rule::critic(problem));
  };
  return line;
}

template <class Rule, class Predicted>
Estimator biased(std::string name, BiasSource source, Predicted predicted) {
  Estimator line = recursion_estimator<Rule>(std::move(name), gradients, source);
  line.predicted_bias = predicted;
  return line;
}

}  // namespace

std::vector<Estimator> first_order_estimators() {
  return {
      recursion_estimator<FullScore>("full-score", gradients),
      recursion_estimator<Causal>("causal", gradients),
      recursion_estimator<CausalConstantBaseline>("causal-constant-baseline", gradients),
      recursion_estimator<CausalStateBaseline>("causal-state-baseline", gradients),
      recursion_estimator<CausalOptimalBaseline>("causal-optimal-baseline", gradients),
      recursion_estimator<CriticForm>("critic-exact", gradients),
      with_learned_critic<MonteCarloCriticForm>("critic-mc"),
      with_learned_critic<TdCriticForm>("critic-td"),
      with_learned_critic<LstdCriticForm>("critic-lstd"),
      recursion_estimator<ActorCritic>("actor-critic", gradients),
      biased<ActorCriticUndiscounted>("actor-critic-undiscounted", BiasSource::state_weighting, state_weighting_bias),
      biased<PerStepScore>("per-step-score", BiasSource::per_step_score, per_step_score_bias),
      {"measure-valued", gradients, BiasSource::none, measure_valued_statistic},
      {"finite-difference", gradients, BiasSource::difference, finite_difference_statistic},
      recursion_estimator<Importance>("importance", gradients),
      recursion_estimator<ImportancePerDecision>("importance-per-decision", gradients),
      {"importance-self-normalised", gradients, BiasSource::ratio, self_normalised_statistic},
  };
}

}  // namespace mdp::estimators
