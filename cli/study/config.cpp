#include "cli/study/config.hpp"

#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "cli/study/toml_section.hpp"
#include "libmdp/error.hpp"
#include "libmdp/io/file_bytes.hpp"
#include "libmdp/io/read.hpp"

namespace mdp::cli::study {
namespace {

void read_gridworld(TomlSection& section, WorldConfig& world) {
  if (section.has("preset")) world.preset = section.word("preset", {"frozenlake4x4", "frozenlake8x8"});
  if (world.preset == "frozenlake4x4") {
    world.gridworld = generate::frozenlake4x4();
  } else if (world.preset == "frozenlake8x8") {
    world.gridworld = generate::frozenlake8x8();
  } else {
    world.gridworld.width = section.integer("width", 1, world.gridworld.width);
    world.gridworld.height = section.integer("height", 1, world.gridworld.height);
    world.gridworld.map = section.texts("map");
  }
  if (const auto slip = section.fraction("slip")) world.gridworld.slip = *slip;
  if (const std::string broken = world.gridworld.check(); !broken.empty()) section.fail("kind", broken);
}

void read_inventory(TomlSection& section, WorldConfig& world) {
  world.inventory.capacity = section.integer("capacity", 1, world.inventory.capacity);
  world.inventory.lots = section.integers("lots", world.inventory.lots);
  if (const std::string broken = world.inventory.check(); !broken.empty()) section.fail("kind", broken);
}

void read_garnet(TomlSection& section, WorldConfig& world, std::uint64_t seed) {
  auto& shape = world.garnet.shape;
  shape.states = section.integer("states", 1, shape.states);
  shape.actions = section.integer("actions", 1, shape.actions);
  shape.successors = section.integer("successors", 1, shape.successors);
  world.garnet.seed = seed;
  if (const std::string broken = world.garnet.check(); !broken.empty()) section.fail("kind", broken);
}

/// \param folder  of the study file: paths are relative to it
WorldConfig read_world(TomlSection section, std::uint64_t seed, const std::filesystem::path& folder) {
  WorldConfig world;
  world.kind = section.word("kind", {"file", "gridworld", "inventory", "garnet"});
  if (world.kind == "file") world.file = (folder / section.text("file")).string();
  if (world.kind == "gridworld") read_gridworld(section, world);
  if (world.kind == "inventory") read_inventory(section, world);
  if (world.kind == "garnet") read_garnet(section, world, seed);
  world.discount = section.discount("discount");
  if (world.discount && !(world.discount->value.hi < 1)) section.fail("discount", "must be below 1");
  section.finish();
  return world;
}

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

Result world_result(const WorldConfig& world) {
  Result result;
  result.set("kind", world.kind);
  if (world.kind == "file") result.set("file", world.file);
  if (world.kind == "gridworld") {
    if (!world.preset.empty()) result.set("preset", world.preset);
    if (world.gridworld.map.empty()) {
      result.set("width", world.gridworld.width);
      result.set("height", world.gridworld.height);
    } else {
      result.set("map", world.gridworld.map);
    }
    result.set("slip", world.gridworld.slip.value());
  }
  if (world.kind == "inventory") {
    result.set("capacity", world.inventory.capacity);
    result.set("lots", world.inventory.lots);
  }
  if (world.kind == "garnet") {
    result.set("states", world.garnet.shape.states);
    result.set("actions", world.garnet.shape.actions);
    result.set("successors", world.garnet.shape.successors);
  }
  if (world.discount) result.set("discount", world.discount->value.hi);
  return result;
}

}  // namespace

StudyConfig read_config(const std::string& path) {
  toml::table table;
  try {
    const io::FileBytes bytes(path);
    table = toml::parse(io::as_text(bytes.bytes()), path);
  } catch (const toml::parse_error& error) {
    throw InputError(path, fmt::format("line {}", error.source().begin.line), std::string(error.description()));
  }
  TomlSection top(path, "", table);
  StudyConfig config;
  config.file = path;
  config.title = top.text("title");
  config.seed = static_cast<std::uint64_t>(top.integer("seed", 0, 1));
  config.world = read_world(top.section("world"), config.seed, std::filesystem::path(path).parent_path());
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
  result.set("world", world_result(config.world));
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

Mdp make_world(const WorldConfig& config, int threads) {
  const Mdp world = [&] {
    if (config.kind == "gridworld") return generate::gridworld(config.gridworld);
    if (config.kind == "inventory") return generate::inventory(config.inventory);
    if (config.kind == "garnet") return generate::garnet(config.garnet);
    io::ReadOptions options;
    options.threads = threads;
    return io::read_mdp(config.file, options);
  }();
  return config.discount ? world.with_discount(*config.discount) : world;
}

}  // namespace mdp::cli::study
