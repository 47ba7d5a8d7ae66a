// cli/study/sim2real.hpp — studies of in-real learning over in-sim learning (theory.md, section 6).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/study/kind.hpp"
#include "cli/study/world_config.hpp"
#include "equivalence/tune.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/parametric.hpp"
#include "solvers/parametric_file.hpp"
#include "solvers/policy_class.hpp"
#include "solvers/result.hpp"

namespace mdp::cli::study {

/// One model of an experiment's mixture.
struct ComponentConfig {
  /// "most-likely" or "mean" successor of the data, "even" over the world's successors, or "generator"
  std::string model;
  std::optional<WorldConfig> generator;
};

/// The in-sim policy class that `mdp sensitivity` looks at.
struct PolicyConfig {
  std::string kind = "tabular";      ///< "tabular", "shared" or "log-linear" (features of the family's file)
  std::vector<std::int64_t> groups;  ///< shared: [n_states] group of each state
  double exploration = 0.0;          ///< e of e-soft policies
  std::int64_t horizon = 0;          ///< stages that the policy is for; 0: discounted for ever
  bool undiscounted = false;         ///< the sum over the horizon is not discounted
};

/// A world, data from it and a family of models that need not contain it.
struct ExperimentConfig {
  std::string name;
  WorldConfig world;
  std::vector<ComponentConfig> components;
  std::string tilt = "none";                          ///< "every-transition": a logit for each besides the mixture
  std::string cost = "table";                         ///< one for every state and action; "features", "none"
  std::string file;                                   ///< .npz of features and theta, or ""
  std::vector<double> theta;                          ///< where to start; empty = the file's, or the parts' own
  std::optional<std::pair<double, double>> discount;  ///< range of a free discount
  double floor = 1e-6;                                ///< of mixture weights
  double temperature = 0.0;
  std::int64_t samples_per_row = 0;
  PolicyConfig policy;
};

struct LearnerConfig {
  std::string name;
  std::string objective;           ///< "likelihood", "performance", "defect"
  std::vector<std::string> moves;  ///< of "transitions", "cost", "discount"
  std::string start;               ///< "family" or an earlier learner
  std::string method;              ///< "quasi-newton", "gauss-newton", "gradient"
  std::int64_t max_iterations = 0;
  double gradient_tolerance = 0.0;
  double first_step = 0.0;
  double perturbation = 0.0;  ///< free parameters start within this of `start`, uniformly
  std::uint64_t seed = 1;     ///< of the perturbation
};

struct Sim2RealConfig {
  std::string path;  ///< of the study file
  std::string title;
  std::uint64_t seed = 1;
  std::vector<ExperimentConfig> experiments;
  std::vector<LearnerConfig> learners;
  double relative_tolerance = 0.0;  ///< of every certified solve
};

/// \throws InputError naming file, line and key
[[nodiscard]] Sim2RealConfig read_sim2real(StudyFile& file);
/// Opens a study of this kind. \throws InputError, also for another kind
[[nodiscard]] Sim2RealConfig read_sim2real(const std::string& path);
[[nodiscard]] Result to_result(const Sim2RealConfig& config);

/// What an experiment is made of before anybody learns.
struct ExperimentParts {
  Mdp world;
  solvers::SolveResult solved;
  solvers::ParametricMdp family;
  std::vector<std::string>
      part_names;  ///< "transitions" (mixture, tilt), "cost", "discount", one per part of the family
  TransitionCounts data;
  std::vector<double> start;           ///< theta
  solvers::Parametrisation from_file;  ///< what the family's file says, or nothing
};
/// \throws InputError naming the family's file or the study and its key
[[nodiscard]] ExperimentParts make_experiment(const Sim2RealConfig& config, const ExperimentConfig& experiment,
                                              int threads);

/// How every certified solve of the study is made.
[[nodiscard]] solvers::SolveOptions solve_options(const Sim2RealConfig& config, int threads);

/// d J/d theta_i by D8 and by differences.
struct CheckedParameter {
  std::int64_t parameter = 0;
  double exact = 0.0;
  double difference_quotient = 0.0;
};
struct ThetaCheck {
  std::vector<CheckedParameter> parameters;  ///< largest derivatives first
  double max_relative_error = 0.0;           ///< over the largest |exact|, or 1e-6 |J|
  solvers::ParametricCheck family;
  [[nodiscard]] bool agrees() const { return max_relative_error <= 1e-5 && family.max_error <= 1e-6; }
};

struct LearnerOutcome {
  LearnerConfig config;
  equivalence::TuneResult result;
  std::optional<ThetaCheck> check;  ///< at the learner's start
};
struct ExperimentOutcome {
  ExperimentConfig config;
  ExperimentParts parts;
  std::vector<LearnerOutcome> learners;
};

/// Learners that are done, and the one at work: what a checkpoint keeps. Learners of all experiments in order.
struct TuneProgress {
  std::string selection;  ///< --experiment and --learner that it belongs to
  std::vector<equivalence::TuneResult> finished;
  std::optional<equivalence::TuneResult> current;  ///< trace so far, and the state
};

struct Sim2RealOptions {
  int threads = 0;
  std::string experiment;  ///< only this one; empty = all
  std::string learner;     ///< only this one and those it starts from; empty = all
  bool check = false;
  TuneProgress resume = {};
  /// Called with every iterate; false stops everything.
  std::function<bool(const std::string& where, const TuneProgress&)> observer = {};
};

/// Runs the learners of every experiment in order. Deterministic; a resumed run gives the bits of one that never stopped.
/// \throws UsageError for names that do not exist, or a checkpoint of another selection
[[nodiscard]] std::vector<ExperimentOutcome> run_learners(const Sim2RealConfig& config, const Sim2RealOptions& options);

/// Everything as one object and as one page.
[[nodiscard]] Result sim2real_json(const Sim2RealConfig& config, const std::vector<ExperimentOutcome>& outcomes);
[[nodiscard]] std::string sim2real_tables(const std::vector<ExperimentOutcome>& outcomes, bool markdown);
/// Whether every learner ended by itself and every check agrees.
[[nodiscard]] bool all_ended(const std::vector<ExperimentOutcome>& outcomes);

/// Checkpoints, to the bit. \throws InputError for a file that is none or belongs to another study
void write_checkpoint(const std::string& path, const Sim2RealConfig& config, const TuneProgress& progress);
[[nodiscard]] TuneProgress read_checkpoint(const std::string& path, const Sim2RealConfig& config);

/// The kind `sim2real` of `mdp study`.
[[nodiscard]] Report run_sim2real(StudyFile& file, const StudyContext& context);

}  // namespace mdp::cli::study
