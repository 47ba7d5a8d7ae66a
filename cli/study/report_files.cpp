#include <algorithm>

#include <fmt/format.h>

#include "cli/study/report.hpp"
#include "cli/value_tables.hpp"
#include "solvers/derivative.hpp"

namespace mdp::cli::study {
namespace {

struct ModelFile {
  std::string name;
  std::string content;
  const Mdp* model;
};

std::vector<ModelFile> models_to_write(const Experiment& experiment) {
  std::vector<ModelFile> files = {{"world.model.npz", "the world, as a model file", &experiment.world}};
  for (const ModelStudy& study : experiment.models) {
    const std::string& name = study.config.name;
    files.push_back({name + ".model.npz", fmt::format("the model '{}' as fitted", name), &study.fitted});
    files.push_back(
        {name + ".equivalent-cost.npz", fmt::format("'{}' with the equivalent cost", name), &*study.cost.model});
    files.push_back({name + ".equivalent-model.npz", fmt::format("the equivalent model nearest to '{}'", name),
                     &*study.nearest.model});
  }
  return files;
}

Result world_arrays(const Experiment& experiment) {
  const Mdp& world = experiment.world;
  const auto& solved = experiment.solved;
  Result arrays;
  SensedValues(world.objective(), solved.values, solved.value_lower, solved.value_upper).add_to(arrays);
  arrays.set("policy", std::span<const Action>(solved.policy));
  arrays.set_rows("q", world, in_sense(world.objective(), q_of(world, solved.values, 1)));
  return arrays;
}

Result model_arrays(const Mdp& world, const ModelStudy& study) {
  const Objective sense = world.objective();
  Result arrays;
  arrays.set("model_value", in_sense(sense, study.as_fitted.model.values));
  arrays.set("policy", std::span<const Action>(study.as_fitted.model.policy));
  arrays.set("policy_value_in_world", in_sense(sense, study.as_fitted.policy_value));
  arrays.set("regret", study.as_fitted.regret);
  arrays.set("regret_lower", study.as_fitted.regret_lower);
  arrays.set("regret_upper", study.as_fitted.regret_upper);
  arrays.set_rows("equivalent_cost", world, in_sense(sense, study.cost.cost));
  arrays.set("policy_with_equivalent_cost", std::span<const Action>(study.with_cost.model.policy));
  arrays.set_rows("divergence", world, study.nearest.divergence);
  arrays.set("policy_of_equivalent_model", std::span<const Action>(study.with_rows.model.policy));
  return arrays;
}

Result gradient_arrays(const Experiment& experiment) {
  const Objective sense = experiment.world.objective();
  const auto& exact = experiment.gradient.exact;
  const solvers::EntryGradient gradient = solvers::in_sense(sense, exact.gradient);
  Result arrays;
  arrays.set_rows("soft_policy", experiment.world, exact.model.policy);
  arrays.set("occupancy", exact.world.occupancy);
  arrays.set_rows("d_cost", experiment.world, gradient.cost);
  arrays.set("d_probability", gradient.probability);
  arrays.set("d_discount", gradient.discount);
  arrays.set_rows("logit_gradient", experiment.world, in_sense(sense, exact.world.logit_gradient));
  arrays.set_rows("sampled_logit_gradient", experiment.world, in_sense(sense, experiment.estimator.sampled.mean));
  arrays.set_rows("sampled_standard_deviation", experiment.world, experiment.estimator.sampled.standard_deviation);
  return arrays;
}

bool converged(const Experiment& experiment) {
  return experiment.solved.converged() && experiment.estimator.consistent &&
         std::ranges::all_of(experiment.models, [](const ModelStudy& model) {
           return model.as_fitted.status == Status::converged && model.with_cost.status == Status::converged;
         });
}

}  // namespace

std::vector<ArrayFile> report_arrays(const Experiment& experiment) {
  std::vector<ArrayFile> files;
  files.push_back({"world.npz", "value with bounds, policy, q", world_arrays(experiment)});
  for (const ModelStudy& study : experiment.models) {
    files.push_back({study.config.name + ".npz",
                     fmt::format("'{}': values, policies, regret per state, equivalent cost, divergence per row",
                                 study.config.name),
                     model_arrays(experiment.world, study)});
  }
  files.push_back({"gradient.npz", "derivatives by cost, probability and discount; policy gradient, exact and sampled",
                   gradient_arrays(experiment)});
  return files;
}

std::vector<std::pair<std::string, std::string>> model_files(const Experiment& experiment) {
  std::vector<std::pair<std::string, std::string>> files;
  for (const ModelFile& file : models_to_write(experiment)) files.emplace_back(file.name, file.content);
  return files;
}

Report run_candidates(StudyFile& file, const StudyContext& context) {
  const StudyConfig config = read_config(file);
  const Experiment experiment = run(config, context.threads, context.step);
  Report report;
  report.highlights = highlights(experiment);
  report.json = report_json(config, experiment);
  report.markdown = report_markdown(config, experiment);
  report.arrays = report_arrays(experiment);
  for (const ModelFile& model : models_to_write(experiment)) report.models.emplace_back(model.name, *model.model);
  if (has_picture(config)) report.texts.emplace_back("policies.svg", policy_picture(config, experiment));
  report.holds = converged(experiment);
  return report;
}

}  // namespace mdp::cli::study
