// cli/study/world_config.hpp — the world of a study: a file, or a generator with its options.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "cli/result.hpp"
#include "cli/study/toml_section.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "libmdp/generate/inventory.hpp"
#include "libmdp/generate/pendulum.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::cli::study {

/// Where the world comes from: a file, or a generator with its options.
struct WorldConfig {
  std::string kind;  ///< "file", "gridworld", "inventory", "garnet", "pendulum"
  std::string file;
  std::string preset;  ///< of the gridworld, or ""
  generate::GridworldOptions gridworld;
  generate::InventoryOptions inventory;
  generate::GarnetOptions garnet;
  generate::PendulumOptions pendulum;
  std::optional<Discount> discount;
};

/// Reads and validates a [world] or [[world]] table.
/// \param folder  of the study file: paths are relative to it
/// \throws InputError naming file, line and key
[[nodiscard]] WorldConfig read_world(TomlSection section, std::uint64_t seed, const std::filesystem::path& folder);

/// The configuration in effect, defaults filled in.
[[nodiscard]] Result to_result(const WorldConfig& world);

/// The world that a configuration asks for.
[[nodiscard]] Mdp make_world(const WorldConfig& config, int threads);

}  // namespace mdp::cli::study
