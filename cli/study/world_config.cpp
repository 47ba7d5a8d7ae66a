#include "cli/study/world_config.hpp"

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

void read_pendulum(TomlSection& section, WorldConfig& world) {
  auto& pendulum = world.pendulum;
  pendulum.angles = section.integer("angles", 2, pendulum.angles);
  pendulum.velocities = section.integer("velocities", 2, pendulum.velocities);
  pendulum.torques = section.integer("torques", 2, pendulum.torques);
  pendulum.time_step = section.number("time_step", false, pendulum.time_step);
  if (const std::string broken = pendulum.check(); !broken.empty()) section.fail("kind", broken);
}

}  // namespace

WorldConfig read_world(TomlSection section, std::uint64_t seed, const std::filesystem::path& folder) {
  WorldConfig world;
  world.kind = section.word("kind", {"file", "gridworld", "inventory", "garnet", "pendulum"});
  if (world.kind == "file") world.file = (folder / section.text("file")).string();
  if (world.kind == "gridworld") read_gridworld(section, world);
  if (world.kind == "inventory") read_inventory(section, world);
  if (world.kind == "garnet") read_garnet(section, world, seed);
  if (world.kind == "pendulum") read_pendulum(section, world);
  world.discount = section.discount("discount");
  if (world.discount && !(world.discount->value.hi < 1)) section.fail("discount", "must be below 1");
  section.finish();
  return world;
}

Result to_result(const WorldConfig& world) {
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
  if (world.kind == "pendulum") {
    result.set("angles", world.pendulum.angles);
    result.set("velocities", world.pendulum.velocities);
    result.set("torques", world.pendulum.torques);
    result.set("time_step", world.pendulum.time_step);
  }
  if (world.discount) result.set("discount", world.discount->value.hi);
  return result;
}

Mdp make_world(const WorldConfig& config, int threads) {
  const Mdp world = [&] {
    if (config.kind == "gridworld") return generate::gridworld(config.gridworld);
    if (config.kind == "inventory") return generate::inventory(config.inventory);
    if (config.kind == "garnet") return generate::garnet(config.garnet);
    if (config.kind == "pendulum") return generate::pendulum(config.pendulum);
    io::ReadOptions options;
    options.threads = threads;
    return io::read_mdp(config.file, options);
  }();
  return config.discount ? world.with_discount(*config.discount) : world;
}

}  // namespace mdp::cli::study
