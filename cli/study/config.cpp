#include "cli/study/config.hpp"

#include <set>

#include <fmt/format.h>

namespace mdp::cli::study {
namespace {

ModelConfig read_model(TomlSection section, const WorldConfig& world) {
  ModelConfig model;
  model.name = section.text("name");
  model.fit = section.word("fit", {"deterministic", "mean", "observed-support", "full-support"});
  if (model.fit == "mean" && world.kind != "gridworld" && world.kind != "inventory") {
    section.fail("fit", "mean needs a world whose states lie in space: gridworld or inventory");
  }
  model.samples_per_row = section.integer("samples_per_row", 1);
  model.smoothing = section.number("smoothing", true, model.fit == "full-support" ? 1.0 : 0.0);
  if (model.fit == "full-support" && model.smoothing == 0)
    section.fail("smoothing", "must be positive for full-support");
  section.finish();
  return model;
}

std::vector<ModelConfig> read_models(TomlSection& top, const WorldConfig& world) {
  std::vector<ModelConfig> models;
  std::set<std::string> names;
  for (TomlSection& section : top.sections("model")) {
    models.push_back(read_model(section, world));
    if (models.back().name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") != std::string::npos ||
        models.back().name.empty()) {
      section.fail("name", "names files: letters a-z, digits, - and _ only");
    }
    if (!names.insert(models.back().name).second) section.fail("name", "is taken by another model");
  }
  if (models.empty()) top.fail("model", "is missing: a study needs at least one [[model]]");
  return models;
}

GradientConfig read_gradient(TomlSection section, const std::vector<ModelConfig>& models) {
  GradientConfig gradient;
  std::vector<std::string> names;
  names.reserve(models.size());
  for (const auto& model : models) names.push_back(model.name);
  gradient.model = section.word("model", names, names.back());
  gradient.temperature = section.number("temperature", false, 0.1);
  gradient.tolerance = section.number("tolerance", false, 1e-9);
  gradient.checked_entries = section.integer("checked_entries", 1, 8);
  section.finish();
  return gradient;
}

EstimatorConfig read_estimator(TomlSection section) {
  EstimatorConfig estimator;
  estimator.horizon = section.integer("horizon", 1, 500);
  estimator.trajectories = section.integer("trajectories", 2, 10'000);
  estimator.logits = section.integer("logits", 1, 16);
  section.finish();
  return estimator;
}

}  // namespace

StudyConfig read_config(StudyFile& file) {
  TomlSection& top = file.top;
  StudyConfig config;
  config.file = file.path;
  config.title = file.title;
  config.seed = file.seed;
  config.world = read_world(top.section("world"), config.seed, file.folder);
  config.models = read_models(top, config.world);
  TomlSection accuracy = top.section("accuracy");
  config.tolerance = accuracy.number("tolerance", true, 1e-12);
  config.relative_tolerance = accuracy.number("relative_tolerance", true, 0.0);
  accuracy.finish();
  config.gradient = read_gradient(top.section("gradient"), config.models);
  config.estimator = read_estimator(top.section("estimator"));
  top.finish();
  return config;
}

Result to_result(const StudyConfig& config) {
  Result result;
  result.set("title", config.title);
  result.set("seed", static_cast<std::int64_t>(config.seed));
  result.set("world", to_result(config.world));
  std::vector<Result> models;
  for (const ModelConfig& model : config.models) {
    Result one;
    one.set("name", model.name);
    one.set("fit", model.fit);
    one.set("samples_per_row", model.samples_per_row);
    one.set("smoothing", model.smoothing);
    models.push_back(std::move(one));
  }
  result.set("model", std::move(models));
  Result accuracy, gradient, estimator;
  accuracy.set("tolerance", config.tolerance);
  accuracy.set("relative_tolerance", config.relative_tolerance);
  gradient.set("model", config.gradient.model);
  gradient.set("temperature", config.gradient.temperature);
  gradient.set("tolerance", config.gradient.tolerance);
  gradient.set("checked_entries", config.gradient.checked_entries);
  estimator.set("horizon", config.estimator.horizon);
  estimator.set("trajectories", config.estimator.trajectories);
  estimator.set("logits", config.estimator.logits);
  result.set("accuracy", std::move(accuracy));
  result.set("gradient", std::move(gradient));
  result.set("estimator", std::move(estimator));
  return result;
}

}  // namespace mdp::cli::study
