// cli/study/equivalence_study.hpp — what fits to growing data make of several worlds, and what equivalence costs them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/fit_method.hpp"
#include "cli/study/kind.hpp"
#include "cli/study/world_config.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/generate/linear_quadratic.hpp"

namespace mdp::cli::study {

struct NamedWorld {
  std::string name;
  WorldConfig config;
};

struct EquivalenceConfig {
  std::vector<NamedWorld> worlds;
  std::vector<std::int64_t> samples_per_row;
  std::vector<FitRequest> fits;
  std::vector<std::string> fit_names;
  double tolerance = 0.0;              ///< A of every solve
  std::vector<std::int64_t> lq_steps;  ///< refinements of the linear-quadratic family
  generate::LinearQuadraticOptions lq;
};

/// A fit to one data set of one world.
struct FitRow {
  std::string world, fit;
  std::int64_t samples_per_row = 0;
  double log_likelihood = 0.0;    ///< per sample, nats
  double likelihood_price = 0.0;  ///< that of the maximum-likelihood fit minus this one
  double epsilon = not_computed;  ///< T9, proved
  bounds::Interval regret;        ///< max over states, proved
  double initial_regret = 0.0;
  std::string level;  ///< the first of T4' that holds; "E3~": to ten times the tolerance; "E3?": not refuted
  Status status = Status::not_run;
};

/// The mean model of one refinement of the linear-quadratic family: rows that stay in the inner half of the states.
struct QuadraticRow {
  std::int64_t steps = 0;
  State n_states = 0;
  double shift = 0.0;         ///< c of T7 that fits best: middle of Delta / (1 - gamma)
  double shift_theory = 0.0;  ///< -gamma Pi noise^2 / (1 - gamma)
  double span = 0.0;          ///< max - min of Delta / (1 - gamma): what no shift removes
  double regret = 0.0;        ///< of the mean model's policy, at most
};

struct EquivalenceStudy {
  std::vector<FitRow> fits;
  std::vector<QuadraticRow> quadratic;
};

/// Reads the rest of the file. \throws InputError naming file, line and key
[[nodiscard]] EquivalenceConfig read_equivalence_config(StudyFile& file);

/// Runs everything.
[[nodiscard]] EquivalenceStudy run_equivalence_study(const EquivalenceConfig& config, std::uint64_t seed,
                                                     const StudyContext& context);

/// The study from its file to its report.
[[nodiscard]] Report run_equivalence(StudyFile& file, const StudyContext& context);

}  // namespace mdp::cli::study
