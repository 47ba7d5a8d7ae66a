// cli/study/config.hpp — what a study of candidate models asks for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/result.hpp"
#include "cli/study/kind.hpp"
#include "cli/study/world_config.hpp"

namespace mdp::cli::study {

/// A model fitted to transitions sampled from the world.
struct ModelConfig {
  std::string name;
  std::string fit;  ///< "deterministic", "mean", "observed-support", "full-support"
  std::int64_t samples_per_row = 0;
  double smoothing = 0.0;
};

/// The gradient of world performance with respect to one of the models (D8).
struct GradientConfig {
  std::string model;
  double temperature = 0.0;
  double tolerance = 0.0;            ///< absolute, of the model's soft values
  std::int64_t checked_entries = 0;  ///< largest costs, and largest probabilities, checked by finite differences
};

/// The sampled policy gradient in the world, at that model's soft policy (E1, X2).
struct EstimatorConfig {
  std::int64_t horizon = 0;
  std::int64_t trajectories = 0;
  std::int64_t logits = 0;  ///< with the largest exact derivatives: these get exact moments
};

struct StudyConfig {
  std::string file;
  std::string title;
  std::uint64_t seed = 1;
  WorldConfig world;
  std::vector<ModelConfig> models;
  double tolerance = 0.0;           ///< A of every solve
  double relative_tolerance = 0.0;  ///< R of every solve
  GradientConfig gradient;
  EstimatorConfig estimator;
};

/// Reads and validates a study of this kind. \throws InputError naming file, line and key.
[[nodiscard]] StudyConfig read_config(StudyFile& file);

/// The configuration in effect, defaults filled in.
[[nodiscard]] Result to_result(const StudyConfig& config);

}  // namespace mdp::cli::study
