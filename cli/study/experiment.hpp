// cli/study/experiment.hpp — the main job: fit models, compare, make them equivalent, differentiate, estimate.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/finite_differences.hpp"
#include "cli/study/config.hpp"
#include "equivalence/candidate.hpp"
#include "equivalence/equivalent_cost.hpp"
#include "equivalence/equivalent_model.hpp"
#include "estimators/gradient_report.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/in_real_gradient.hpp"
#include "solvers/result.hpp"

namespace mdp::cli::study {

/// A fitted model and what the equivalence theory makes of it. Cost sense.
struct ModelStudy {
  ModelConfig config;
  Mdp fitted;
  double log_likelihood;  ///< mean over the samples of its own data, nats; -inf if one is impossible
  equivalence::CandidateResult as_fitted;
  equivalence::EquivalentCostResult cost;
  equivalence::CandidateResult with_cost;  ///< the model with the equivalent cost
  equivalence::EquivalentModelResult nearest;
  equivalence::CandidateResult with_rows;  ///< the KL-nearest equivalent model
};

/// D8 at one model, in the convention `normalised`, checked.
struct GradientStudy {
  Mdp model;
  solvers::InRealGradient exact;
  GradientCheck check;
};

struct Experiment {
  Mdp world;
  solvers::SolveResult solved;  ///< of the world
  std::vector<ModelStudy> models;
  GradientStudy gradient;
  estimators::GradientReport estimator;  ///< E1 in the world at the soft policy of `gradient`, beside X2
  double seconds = 0.0;
};

/// Runs everything. Deterministic but for the seconds.
/// \param step  called before each part with its name (progress); throws to stop
[[nodiscard]] Experiment run(const StudyConfig& config, int threads,
                             const std::function<void(const std::string&)>& step);

}  // namespace mdp::cli::study
