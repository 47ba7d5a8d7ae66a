#include "solvers/exact/exact.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/io/exact_arrays.hpp"
#include "libmdp/io/rational.hpp"
#include "solvers/exact/exact_answer.hpp"

namespace mdp::solvers {
namespace {

/// One vector of the answer as doubles with their enclosure.
struct Rounded {
  std::vector<double> near, lower, upper;
  double error = 0.0;

  void add(const Extended& x) {
    near.push_back(io::nearest(x));
    lower.push_back(io::round_down(x));
    upper.push_back(io::round_up(x));
    if (!x.is_finite()) return;
    const double width = std::max(upper.back() - near.back(), near.back() - lower.back());
    if (width > 0.0) error = std::max(error, bounds::round_up(width));
  }
  /// Infinity minus infinity: as the certified solver reports it.
  void add_undefined() {
    near.push_back(not_computed);
    lower.push_back(-infinity);
    upper.push_back(infinity);
  }
};

Rounded rounded(const ExactAnswer& answer) {
  Rounded result;
  for (std::size_t s = 0; s < answer.value.size(); ++s) {
    if (!answer.undefined_states.empty() && answer.undefined_states[s] != 0)
      result.add_undefined();
    else
      result.add(answer.value[s]);
  }
  return result;
}

std::vector<std::string> texts_of(Objective objective, const std::vector<Extended>& values,
                                  const std::vector<char>& undefined = {}) {
  std::vector<std::string> texts;
  texts.reserve(values.size());
  for (const Extended& x : values) texts.push_back(io::text_of(objective == Objective::minimize ? x : -x));
  for (std::size_t s = 0; s < undefined.size(); ++s) {
    if (undefined[s] != 0) texts[s] = "undefined";
  }
  return texts;
}

void fill_average(ExactResult& result, const ExactAnswer& answer, Objective objective) {
  Rounded gain = rounded(answer);
  result.gain = std::move(gain.near);
  result.gain_lower = std::move(gain.lower);
  result.gain_upper = std::move(gain.upper);
  result.value_error_bound = gain.error;
  result.gain_exact = texts_of(objective, answer.value);
  std::vector<Extended> bias(answer.bias.begin(), answer.bias.end());
  for (std::size_t s = 0; s < bias.size(); ++s) {
    const bool finite = answer.value[s].is_finite();
    result.bias.push_back(finite ? io::nearest(bias[s]) : not_computed);
    result.bias_lower.push_back(finite ? io::round_down(bias[s].finite) : not_computed);
    result.bias_upper.push_back(finite ? io::round_up(bias[s].finite) : not_computed);
  }
  result.bias_exact = texts_of(objective, bias);
}

void fill_values(ExactResult& result, const ExactAnswer& answer, Objective objective) {
  Rounded value = rounded(answer);
  result.values = std::move(value.near);
  result.value_lower = std::move(value.lower);
  result.value_upper = std::move(value.upper);
  result.value_error_bound = value.error;
  result.value_exact = texts_of(objective, answer.value, answer.undefined_states);
  for (const auto& stage : answer.value_by_stage) {
    Rounded stage_values;
    for (const Extended& x : stage) stage_values.add(x);
    result.value_by_stage.push_back(std::move(stage_values.near));
    result.value_by_stage_exact.push_back(texts_of(objective, stage));
  }
  result.policy_by_stage = answer.policy_by_stage;
}

}  // namespace

ExactMdp::ExactMdp(const Mdp& mdp) : model_(std::make_shared<const io::ExactModel>(io::exact_model_of(mdp))) {}

ExactMdp ExactMdp::read(const std::string& path, const io::ReadOptions& options) {
  return ExactMdp(std::make_shared<const io::ExactModel>(io::read_exact_model(path, options)));
}

ExactMdp ExactMdp::with_discount(std::string_view discount) const {
  auto gamma = io::parse_rational(discount);
  if (!gamma || *gamma < 0 || *gamma > 1) {
    throw InvalidOption(fmt::format("discount = {}, required a number in [0, 1]", discount));
  }
  auto model = std::make_shared<io::ExactModel>(*model_);
  model->discount = std::move(*gamma);
  return ExactMdp(std::move(model));
}

std::string ExactMdp::discount_text() const { return model_->discount.get_str(); }

ExactOptions exact_options(const ExactMdp& mdp, const ExactLevelOptions& options) {
  ExactOptions exact{options.criterion, {}, {}, options.max_bytes, options.max_operations};
  if (!options.terminal_path.empty()) {
    exact.terminal =
        io::in_sense(mdp.model().objective, io::read_exact_values(options.terminal_path, mdp.model().n_states));
  }
  return exact;
}

namespace {

ExactResult result_of(const std::shared_ptr<const ExactAnswer>& answer, Objective objective) {
  const Criterion criterion = answer->criterion;
  ExactResult result;
  if (answer->status == Status::converged || answer->status == Status::undefined) {
    result.level = Level::exact;
    criterion == Criterion::average ? fill_average(result, *answer, objective)
                                    : fill_values(result, *answer, objective);
    result.policy = answer->policy;
    result.policy_loss_bound = 0.0;
    result.optimal = answer->optimal;
    result.answer = answer;
  } else if (answer->status != Status::refused && answer->certified) {
    static_cast<CriterionResult&>(result) = *answer->certified;
  } else {
    result.level = Level::exact;
  }
  result.criterion = criterion;
  result.status = answer->status;
  result.message = answer->message;
  result.method = criterion == Criterion::finite ? "backward induction (rationals)"
                                                 : "policy iteration (rationals, p-adic lifting)";
  result.witness = answer->witness;
  result.sweeps = answer->sweeps;
  result.iterations = answer->iterations;
  result.seconds = answer->seconds;
  result.trace = answer->trace;
  return result;
}

// Of a chain nothing was chosen.
void forget_policy(ExactResult& result) {
  result.policy.clear();
  result.policy_by_stage.clear();
  result.optimal.clear();
  result.policy_loss_bound = not_computed;
}

// Of a chain: its first states are the MDP's, and nothing was chosen.
ExactResult result_of_chain(const ExactMdp& mdp, std::span<const mpq_class> policy, Criterion criterion,
                            const ExactLevelOptions& options) {
  ExactResult result = result_of(
      std::make_shared<const ExactAnswer>(evaluate_exact(mdp.model(), policy, criterion, exact_options(mdp, options))),
      mdp.model().objective);
  const auto n = static_cast<std::size_t>(mdp.model().n_states);
  for (auto* x : {&result.values, &result.value_lower, &result.value_upper}) x->resize(std::min(n, x->size()));
  result.value_exact.resize(std::min(n, result.value_exact.size()));
  forget_policy(result);
  return result;
}

// A policy for each stage: one stage after the other, backwards.
ExactResult evaluate_stages(const ExactMdp& mdp, const std::vector<std::vector<mpq_class>>& policies,
                            const ExactLevelOptions& options) {
  ExactOptions how = exact_options(mdp, options);
  if (how.criterion.horizon != static_cast<std::int64_t>(policies.size())) {
    throw InvalidArgument(
        fmt::format("a policy for each of {} stages, required horizon = {}", policies.size(), how.criterion.horizon));
  }
  how.criterion.horizon = 1;
  ExactAnswer answer;
  std::vector<std::vector<Extended>> values;
  for (std::size_t k = policies.size(); k-- > 0;) {
    answer = evaluate_exact(mdp.model(), policies[k], Criterion::finite, how);
    if (!answer.converged()) break;
    if (values.empty()) values.push_back(answer.value_by_stage.back());
    values.push_back(answer.value);
    how.terminal = answer.value;
    how.criterion.terminal.clear();
  }
  if (answer.converged()) answer.value_by_stage.assign(values.rbegin(), values.rend());
  answer.sweeps = static_cast<std::int64_t>(values.size()) - 1;
  ExactResult result = result_of(std::make_shared<const ExactAnswer>(std::move(answer)), mdp.model().objective);
  forget_policy(result);
  return result;
}

}  // namespace

ExactResult solve_exactly(const ExactMdp& mdp, Criterion criterion, const ExactLevelOptions& options) {
  const ExactOptions how = exact_options(mdp, options);
  const auto answer = std::make_shared<const ExactAnswer>(solve_exact(mdp.model(), criterion, how));
  ExactResult result = result_of(answer, mdp.model().objective);
  if (criterion != Criterion::average || !answer->converged()) return result;
  if (const auto bias = exact_optimal_bias(mdp.model(), *answer, how)) {
    result.optimal_bias_exact = texts_of(mdp.model().objective, {bias->begin(), bias->end()});
  }
  return result;
}

ExactResult evaluate_exactly(const ExactMdp& mdp, const std::string& policy_path, Criterion criterion,
                             const ExactLevelOptions& options) {
  if (criterion == Criterion::finite) {
    const auto stages = io::read_exact_policy_by_stage(policy_path, mdp.model().state_rows);
    if (!stages.empty()) return evaluate_stages(mdp, stages, options);
  }
  return result_of_chain(mdp, io::read_exact_policy(policy_path, mdp.model().state_rows), criterion, options);
}

ExactResult evaluate_exactly(const ExactMdp& mdp, std::span<const Action> policy, Criterion criterion,
                             const ExactLevelOptions& options) {
  return result_of_chain(mdp, exact_weights(mdp.model(), policy), criterion, options);
}

}  // namespace mdp::solvers
