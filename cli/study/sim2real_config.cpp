#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "cli/file_hash.hpp"
#include "cli/study/sim2real.hpp"
#include "cli/study/toml_section.hpp"

namespace mdp::cli::study {
namespace {

void require_name(const TomlSection& section, const std::string& name, std::set<std::string>& taken) {
  if (name.empty() || name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") != std::string::npos) {
    section.fail("name", "names files: letters a-z, digits, - and _ only");
  }
  if (!taken.insert(name).second) section.fail("name", "is taken by another");
}

ComponentConfig read_component(TomlSection section, const WorldConfig& world, std::uint64_t seed,
                               const std::filesystem::path& folder) {
  ComponentConfig component;
  component.model = section.word("model", {"most-likely", "mean", "even", "generator"});
  if (component.model == "mean" && world.kind != "gridworld" && world.kind != "inventory") {
    section.fail("model", "mean needs a world whose states lie in space: gridworld or inventory");
  }
  if (component.model == "generator") component.generator = read_world(section.section("world"), seed, folder);
  section.finish();
  return component;
}

PolicyConfig read_policy(TomlSection section, bool has_file) {
  PolicyConfig policy;
  policy.kind = section.word("class", {"tabular", "shared", "log-linear"}, "tabular");
  if (policy.kind == "log-linear" && !has_file)
    section.fail("class",
                 "log-linear takes policy_features from the .npz file of [experiment.family], which names none");
  policy.groups = section.integers("groups", {});
  if ((policy.kind == "shared") == policy.groups.empty())
    section.fail("groups", "belongs to class shared, which needs it");
  policy.exploration = section.number("exploration", true, 0.0);
  if (policy.exploration >= 1.0) section.fail("exploration", "must be below 1");
  if (section.has("horizon")) policy.horizon = section.integer("horizon", 1);
  policy.undiscounted = section.word("sum", {"discounted", "undiscounted"}, "discounted") == "undiscounted";
  if (policy.undiscounted && policy.horizon == 0) section.fail("sum", "undiscounted sums need a horizon");
  section.finish();
  return policy;
}

ExperimentConfig read_experiment(TomlSection section, std::uint64_t seed, const std::filesystem::path& folder,
                                 std::set<std::string>& taken) {
  ExperimentConfig e;
  e.name = section.text("name");
  require_name(section, e.name, taken);
  e.temperature = section.number("temperature", false);
  e.samples_per_row = section.integer("samples_per_row", 1);
  e.floor = section.number("floor", false, 1e-6);
  e.world = read_world(section.section("world"), seed, folder);
  for (TomlSection& component : section.sections("component")) {
    e.components.push_back(read_component(component, e.world, seed, folder));
  }
  if (e.components.empty())
    section.fail("component", "is missing: a family needs at least one [[experiment.component]]");
  TomlSection family = section.section("family");
  e.tilt = family.word("tilt", {"none", "every-transition", "features"}, "none");
  e.cost = family.word("cost", {"none", "table", "features"}, "table");
  if (family.has("file")) e.file = (folder / family.text("file")).string();
  for (const char* key : {"tilt", "cost"}) {
    if (family.has(key) && family.word(key, {"none", "table", "every-transition", "features"}) == "features" &&
        e.file.empty())
      family.fail(key, "features are read from an .npz file, which `file` names");
  }
  e.theta = family.numbers("theta");
  if (family.has("discount_lowest") || family.has("discount_highest")) {
    e.discount = {family.number("discount_lowest", false), family.number("discount_highest", false)};
  }
  family.finish();
  e.policy = read_policy(section.section("policy"), !e.file.empty());
  section.finish();
  return e;
}

LearnerConfig read_learner(TomlSection section, const std::vector<LearnerConfig>& earlier, std::uint64_t seed,
                           std::set<std::string>& taken) {
  LearnerConfig learner;
  learner.name = section.text("name");
  require_name(section, learner.name, taken);
  learner.objective = section.word("objective", {"likelihood", "performance", "defect"});
  learner.moves = section.texts("moves");
  if (learner.moves.empty()) section.fail("moves", "is missing: transitions, cost, discount");
  for (const std::string& part : learner.moves) {
    if (part != "transitions" && part != "cost" && part != "discount") {
      section.fail("moves", fmt::format("'{}' is none of transitions, cost, discount", part));
    }
  }
  std::vector<std::string> starts{"family"};
  for (const LearnerConfig& other : earlier) starts.push_back(other.name);
  learner.start = section.word("start", starts, "family");
  learner.method = section.word("method", {"quasi-newton", "gauss-newton", "gradient"}, "quasi-newton");
  learner.max_iterations = section.integer("max_iterations", 1, 100);
  learner.gradient_tolerance = section.number("gradient_tolerance", false, 1e-8);
  learner.first_step = section.number("first_step", false, 0.1);
  learner.perturbation = section.number("perturbation", true, 0.0);
  learner.seed = static_cast<std::uint64_t>(section.integer("seed", 0, static_cast<std::int64_t>(seed)));
  section.finish();
  return learner;
}

Result to_result(const ExperimentConfig& e) {
  Result one;
  one.set("name", e.name);
  one.set("world", to_result(e.world));
  std::vector<Result> components;
  for (const ComponentConfig& c : e.components) {
    Result component;
    component.set("model", c.model);
    if (c.generator) component.set("world", to_result(*c.generator));
    components.push_back(std::move(component));
  }
  one.set("component", std::move(components));
  Result family, policy;
  family.set("tilt", e.tilt);
  family.set("cost", e.cost);
  if (!e.file.empty()) {
    family.set("file", e.file);
    family.set("file_hash", file_hash(e.file));
  }
  if (!e.theta.empty()) family.set("theta", e.theta);
  if (e.discount) {
    family.set("discount_lowest", e.discount->first);
    family.set("discount_highest", e.discount->second);
  }
  policy.set("class", e.policy.kind);
  if (!e.policy.groups.empty()) policy.set("groups", e.policy.groups);
  policy.set("exploration", e.policy.exploration);
  if (e.policy.horizon > 0) {
    policy.set("horizon", e.policy.horizon);
    policy.set("sum", e.policy.undiscounted ? "undiscounted" : "discounted");
  }
  one.set("family", std::move(family));
  one.set("policy", std::move(policy));
  one.set("floor", e.floor);
  one.set("temperature", e.temperature);
  one.set("samples_per_row", e.samples_per_row);
  return one;
}

}  // namespace

Sim2RealConfig read_sim2real(StudyFile& file) {
  Sim2RealConfig config;
  config.path = file.path;
  config.title = file.title;
  config.seed = file.seed;
  std::set<std::string> experiments, learners{"family"};
  for (TomlSection& section : file.top.sections("experiment")) {
    config.experiments.push_back(read_experiment(section, file.seed, file.folder, experiments));
  }
  if (config.experiments.empty()) file.top.fail("experiment", "is missing: at least one [[experiment]]");
  for (TomlSection& section : file.top.sections("learner")) {
    config.learners.push_back(read_learner(section, config.learners, file.seed, learners));
  }
  if (config.learners.empty()) file.top.fail("learner", "is missing: at least one [[learner]]");
  TomlSection accuracy = file.top.section("accuracy");
  config.relative_tolerance = accuracy.number("relative_tolerance", false, 1e-12);
  accuracy.finish();
  file.top.finish();
  return config;
}

Sim2RealConfig read_sim2real(const std::string& path) {
  Sim2RealConfig config;
  open_study(path, [&](StudyFile& file, const std::string& kind) {
    if (kind != "sim2real") file.top.fail("kind", "must be sim2real for this command");
    config = read_sim2real(file);
  });
  return config;
}

Result to_result(const Sim2RealConfig& config) {
  Result result;
  result.set("kind", "sim2real");
  result.set("title", config.title);
  result.set("seed", static_cast<std::int64_t>(config.seed));
  std::vector<Result> experiments, learners;
  for (const ExperimentConfig& e : config.experiments) experiments.push_back(to_result(e));
  for (const LearnerConfig& learner : config.learners) {
    Result one;
    one.set("name", learner.name);
    one.set("objective", learner.objective);
    one.set("moves", learner.moves);
    one.set("start", learner.start);
    one.set("method", learner.method);
    one.set("max_iterations", learner.max_iterations);
    one.set("gradient_tolerance", learner.gradient_tolerance);
    one.set("first_step", learner.first_step);
    one.set("perturbation", learner.perturbation);
    one.set("seed", static_cast<std::int64_t>(learner.seed));
    learners.push_back(std::move(one));
  }
  result.set("experiment", std::move(experiments));
  result.set("learner", std::move(learners));
  Result accuracy;
  accuracy.set("relative_tolerance", config.relative_tolerance);
  result.set("accuracy", std::move(accuracy));
  return result;
}

}  // namespace mdp::cli::study
