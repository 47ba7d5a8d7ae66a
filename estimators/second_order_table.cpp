#include "estimators/methods/critic_hessian.hpp"
#include "estimators/methods/dice.hpp"
#include "estimators/methods/hessians.hpp"
#include "estimators/predicted_bias.hpp"
#include "estimators/recursion.hpp"
#include "estimators/tables.hpp"

namespace mdp::estimators {
namespace {

const std::vector<Quantity> hessians = {Quantity::policy_hessian, Quantity::mixed, Quantity::model_hessian};

template <class Rule>
Estimator without_cross_terms(const std::string& name) {
  Estimator line = recursion_estimator<Rule>(name, {Quantity::policy_hessian}, BiasSource::missing_terms);
  line.predicted_bias = cross_term_bias;
  return line;
}

/// By policy logits in the rows.
const std::vector<Quantity> by_policy = {Quantity::policy_hessian, Quantity::mixed};

Estimator with_learned_critics(const std::string& name) {
  Estimator line = recursion_estimator<LstdCriticHessian>(name, by_policy, BiasSource::critic);
  line.predicted_bias = [](const Problem& problem, const Targets& targets) {
    return critic_hessian_bias(problem, targets, *lstd_critic(problem, true));
  };
  return line;
}

}  // namespace

std::vector<Estimator> second_order_estimators() {
  return {
      recursion_estimator<FullHessian>("full-hessian", hessians),
      recursion_estimator<CausalHessian>("causal-hessian", hessians),
      {"dice", hessians, BiasSource::none, dice_statistic},
      recursion_estimator<Hapg>("hapg", hessians),
      without_cross_terms<Lvc>("lvc"),
      without_cross_terms<GaussNewton>("gauss-newton"),
      recursion_estimator<CriticHessian>("critic-hessian-exact", by_policy),
      with_learned_critics("critic-hessian-lstd"),
  };
}

std::vector<Estimator> all_estimators() {
  std::vector<Estimator> table = first_order_estimators();
  for (Estimator& line : second_order_estimators()) table.push_back(std::move(line));
  return table;
}

}  // namespace mdp::estimators
