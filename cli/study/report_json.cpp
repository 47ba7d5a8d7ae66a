#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "cli/present.hpp"
#include "cli/study/report.hpp"
#include "cli/table.hpp"
#include "cli/value_tables.hpp"
#include "cli/verification.hpp"
#include "solvers/derivative.hpp"

namespace mdp::cli::study {
namespace {

Result interval_result(const bounds::Interval& interval) {
  Result result;
  result.set("lower", interval.lower);
  result.set("upper", interval.upper);
  return result;
}

Result world_result(const Experiment& experiment) {
  const Mdp& world = experiment.world;
  const auto& solved = experiment.solved;
  const SensedValues values(world.objective(), solved.values, solved.value_lower, solved.value_upper);
  Result result;
  result.set("n_states", std::int64_t{world.n_states()});
  result.set("n_rows", world.n_rows());
  result.set("n_transitions", world.n_transitions());
  result.set("objective", objective_word(world.objective()));
  result.set("discount", world.discount());
  result.set("status", to_string(solved.status));
  result.set("level", to_string(solved.level));
  result.set("method", solved.method);
  result.set("initial_value", initial_average(world, values.value));
  result.set("value_error_bound", solved.value_error_bound);
  result.set("policy_loss_bound", solved.policy_loss_bound);
  result.set("sweeps", solved.sweeps);
  result.set("seconds", solved.seconds);
  return result;
}

Result candidate_result(const Mdp& world, const equivalence::CandidateResult& candidate) {
  const auto in_world = in_sense(world.objective(), candidate.policy_value);
  Result result;
  result.set("status", to_string(candidate.status));
  result.set("q_distance", interval_result(candidate.distance.norm));
  result.set("epsilon", candidate.defect.epsilon);
  result.set("initial_world_value_of_policy", initial_average(world, in_world));
  result.set("initial_regret", interval_result(candidate.initial_regret_bounds));
  result.set("max_regret", interval_result(candidate.max_regret));
  result.set("regret_bound_c3", candidate.regret_bound_c3);
  result.set("regret_bound_t9", candidate.regret_bound_t9);
  result.set("seconds", candidate.seconds);
  return result;
}

Result model_result(const Mdp& world, const ModelStudy& study) {
  Result cost = candidate_result(world, study.with_cost);
  cost.set("construction", to_string(study.cost.status));
  cost.set("scope", equivalence::to_string(study.cost.scope));
  cost.set("message", study.cost.message);
  cost.set("condition_number", study.cost.condition_number);
  cost.set("cost_error_bound", study.cost.cost_error_bound);
  cost.set("q_error_bound_t1", study.cost.q_error_bound);
  cost.set("n_violations", study.cost.n_violations);
  Result rows = candidate_result(world, study.with_rows);
  rows.set("construction", to_string(study.nearest.status));
  rows.set("scope", equivalence::to_string(study.nearest.scope));
  rows.set("message", study.nearest.message);
  rows.set("divergence_total", study.nearest.sum_divergence);
  rows.set("divergence_max", study.nearest.max_divergence);
  rows.set("duality_gap_max", study.nearest.max_duality_gap);
  rows.set("n_tilted", study.nearest.n_changed);
  rows.set("n_infeasible", study.nearest.n_infeasible);
  rows.set("epsilon_t9", study.nearest.defect.epsilon);
  rows.set("q_error_bound_t9", largest_absolute(study.nearest.defect.q_difference));
  Result result;
  result.set("name", study.config.name);
  result.set("fit", study.config.fit);
  result.set("n_transitions", study.fitted.n_transitions());
  result.set("mean_log_likelihood", study.log_likelihood);
  result.set("as_fitted", candidate_result(world, study.as_fitted));
  result.set("equivalent_cost", std::move(cost));
  result.set("equivalent_model", std::move(rows));
  return result;
}

Result gradient_result(const StudyConfig& config, const Experiment& experiment) {
  const GradientStudy& study = experiment.gradient;
  const double sign = experiment.world.objective() == Objective::maximize ? -1.0 : 1.0;
  Result result;
  result.set("model", config.gradient.model);
  result.set("temperature", config.gradient.temperature);
  result.set("convention", "normalised");
  result.set("status", to_string(study.exact.status));
  result.set("world_value", sign * study.exact.performance);
  result.set("world_value_error_bound", study.exact.performance_error_bound);
  result.set("d_cost_error_bound", study.exact.cost_error_bound);
  result.set("d_probability_error_bound", study.exact.probability_error_bound);
  result.set("d_discount", sign * study.exact.gradient.discount);
  result.set("d_discount_error_bound", study.exact.discount_error_bound);
  result.set("sum_defect", study.exact.sum_defect);
  result.set("state_balance_defect", study.exact.state_balance_defect);
  result.set("finite_differences", to_result(study.model, study.check, experiment.world.objective()));
  return result;
}

Result estimator_result(const StudyConfig& config, const Experiment& experiment) {
  const estimators::GradientReport& report = experiment.estimator;
  const Mdp& world = experiment.world;
  const Objective sense = world.objective();
  Result::Entries logits{2, {}, {}};
  std::vector<double> sampled, exact_deviation, sampled_deviation;
  for (std::size_t i = 0; i < report.rows.size(); ++i) {
    const auto row = static_cast<std::size_t>(report.rows[i]);
    const State s = world.state_of(report.rows[i]);
    logits.positions.insert(logits.positions.end(),
                            {s, report.rows[i] - world.state_rows()[static_cast<std::size_t>(s)]});
    sampled.push_back(report.sampled.mean[row]);
    sampled_deviation.push_back(report.sampled.standard_deviation[row]);
    exact_deviation.push_back(std::sqrt(std::max(0.0, report.exact.variance[i])));
  }
  Result result;
  result.set("name", "causal");
  result.set("horizon", config.estimator.horizon);
  result.set("samples", config.estimator.trajectories);
  result.set("logits", std::move(logits));
  result.set("truth", in_sense(sense, report.truth));
  result.set("truth_error_bound", report.truth_error_bound);
  result.set("exact_mean", in_sense(sense, report.exact.mean));
  result.set("exact_bias", in_sense(sense, report.bias));
  result.set("bias_bound", report.sampled.gradient_truncation_bound);
  result.set("exact_standard_deviation", exact_deviation);
  result.set("sample_mean", in_sense(sense, sampled));
  result.set("sample_standard_deviation", sampled_deviation);
  result.set("z", in_sense(sense, report.z));
  result.set("z_max", report.max_abs_z);
  result.set("z_limit", report.z_threshold);
  result.set("n_judged", report.n_judged);
  result.set("verdict", report.consistent ? "consistent" : "inconsistent");
  result.set("seconds", report.sampled.seconds);
  return result;
}

}  // namespace

std::string loss_text(const bounds::Interval& interval) {
  if (interval.lower <= 0) return "at most " + bound_text(interval.upper);
  return fmt::format("{:.10g} ± {}", (interval.lower + interval.upper) / 2,
                     bound_text((interval.upper - interval.lower) / 2));
}

std::vector<std::string> highlights(const Experiment& experiment) {
  const ModelStudy& worst = *std::ranges::max_element(
      experiment.models, {}, [](const ModelStudy& study) { return study.as_fitted.initial_regret_bounds.lower; });
  const double value = std::abs(initial_average(experiment.world, experiment.solved.values));
  double q_bound = 0.0, regret_bound = 0.0;
  for (const ModelStudy& study : experiment.models) {
    q_bound = std::max(q_bound, study.with_cost.distance.norm.upper);
    regret_bound = std::max(regret_bound, study.with_cost.max_regret.upper);
  }
  const auto& check = experiment.gradient.check;
  const auto& estimator = experiment.estimator;
  return {
      fmt::format("The model '{}', fitted {}, decides wrongly: its optimal policy loses {:.4g} of the world's "
                  "initial value {:.6g} ({:.0f} %).",
                  worst.config.name, worst.config.fit == "mean" ? "to the mean" : "by likelihood",
                  worst.as_fitted.initial_regret,
                  initial_average(experiment.world, in_sense(experiment.world.objective(), experiment.solved.values)),
                  100 * worst.as_fitted.initial_regret / value),
      fmt::format("With the equivalent cost (T1) the same wrong {}: max |Q̂* − Q*| <= {} and loss <= {} in every state, "
                  "both certified.",
                  experiment.models.size() == 1 ? "model decides right" : "models decide right", bound_text(q_bound),
                  bound_text(regret_bound)),
      fmt::format(
          "The exact gradient of world performance by the model (D8) agrees with finite differences to {} relative; "
          "the sampled policy gradient is {} with its exact mean and deviation (largest |z| {:.2f} of {}).",
          bound_text(check.max_relative_error), estimator.consistent ? "consistent" : "INCONSISTENT",
          estimator.max_abs_z, estimator.n_judged)};
}

Result report_json(const StudyConfig& config, const Experiment& experiment) {
  std::vector<Result> models;
  for (const ModelStudy& study : experiment.models) models.push_back(model_result(experiment.world, study));
  Result result;
  result.set("title", config.title);
  result.set("version", MDP_VERSION);
  result.set("highlights", highlights(experiment));
  result.set("config", to_result(config));
  result.set("world", world_result(experiment));
  result.set("models", std::move(models));
  result.set("gradient", gradient_result(config, experiment));
  result.set("estimator", estimator_result(config, experiment));
  result.set("seconds", experiment.seconds);
  return result;
}

}  // namespace mdp::cli::study
