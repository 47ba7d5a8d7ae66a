#include "cli/study/experiment.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "cli/study/embedding.hpp"
#include "equivalence/fit.hpp"
#include "estimators/simulator.hpp"
#include "libmdp/error.hpp"
#include "solvers/solve.hpp"

namespace mdp::cli::study {
namespace {

using Step = std::function<void(const std::string&)>;

solvers::SolveOptions solve_options(const StudyConfig& config, int threads) {
  solvers::SolveOptions options;
  options.tolerance = config.tolerance;
  options.relative_tolerance = config.relative_tolerance;
  options.threads = threads;
  return options;
}

Mdp fit(const ModelConfig& config, const WorldConfig& world_config, const Mdp& world, const TransitionCounts& counts) {
  equivalence::FitOptions options;
  options.smoothing = config.smoothing;
  if (config.fit == "full-support") options.support = equivalence::FitSupport::all_states;
  Mdp likely = equivalence::fit_maximum_likelihood(world, counts, options);
  if (config.fit == "deterministic") return equivalence::most_likely_model(likely);
  if (config.fit == "mean") {
    const Positions positions = positions_of(world_config, world);
    return equivalence::mean_model(likely, {positions.dimension, positions.coordinates, positions.nearest});
  }
  return likely;
}

ModelStudy study_model(const ModelConfig& model, const StudyConfig& config, const Mdp& world,
                       const solvers::SolveResult& solved, int threads, const Step& step) {
  step("fit " + model.name);
  const TransitionData data = estimators::sample_transitions(world, model.samples_per_row, config.seed, threads);
  const TransitionCounts counts = count_transitions(world, data);
  const Mdp fitted = fit(model, config.world, world, counts);
  const equivalence::CandidateOptions options{solve_options(config, threads)};
  step("assess " + model.name);
  auto as_fitted = equivalence::assess_candidate(world, solved, fitted, options);
  step("equivalent cost of " + model.name);
  auto cost = equivalence::equivalent_cost(world, solved, fitted, {.threads = threads});
  auto with_cost = equivalence::assess_candidate(world, solved, *cost.model, options);
  step("equivalent model nearest to " + model.name);
  auto nearest = equivalence::equivalent_model(world, solved, fitted, {.discount = {}, .threads = threads});
  auto with_rows = equivalence::assess_candidate(world, solved, *nearest.model, options);
  return {model,
          fitted,
          equivalence::log_likelihood(fitted, counts) / counts.total(),
          std::move(as_fitted),
          std::move(cost),
          std::move(with_cost),
          std::move(nearest),
          std::move(with_rows)};
}

GradientStudy study_gradient(const StudyConfig& config, const Mdp& world, const Mdp& model, int threads,
                             const Step& step) {
  step("gradient of world performance");
  solvers::InRealOptions options;
  options.soft.temperature = config.gradient.temperature;
  options.soft.tolerance = config.gradient.tolerance;
  options.soft.threads = threads;
  options.convention = solvers::EntryConvention::normalised;
  auto exact = solvers::in_real_gradient(world, model, options);
  if (exact.status != Status::converged) throw Error("the gradient of world performance: " + exact.message);
  step("finite differences");
  auto check = check_gradient(model, exact.gradient, options.convention, world_performance(world, options.soft),
                              {.cost = 1e-2 * options.soft.temperature}, config.gradient.checked_entries);
  return {model, std::move(exact), std::move(check)};
}

estimators::GradientReport study_estimator(const StudyConfig& config, const Mdp& world,
                                           const solvers::InRealGradient& at, int threads, const Step& step) {
  step("sample the policy gradient");
  estimators::GradientReportOptions options;
  options.simulation.n_trajectories = config.estimator.trajectories;
  options.simulation.horizon = config.estimator.horizon;
  options.simulation.seed = config.seed;
  options.simulation.threads = threads;
  options.max_parameters = config.estimator.logits;
  return estimators::gradient_report(world, at.model.policy, options);
}

}  // namespace

Experiment run(const StudyConfig& config, int threads, const Step& step) {
  const auto start = std::chrono::steady_clock::now();
  step("make the world");
  const Mdp world = make_world(config.world, threads);
  step("solve the world");
  const auto solved = solvers::solve(world, solve_options(config, threads));
  std::vector<ModelStudy> models;
  for (const ModelConfig& model : config.models)
    models.push_back(study_model(model, config, world, solved, threads, step));
  const auto chosen =
      std::ranges::find(config.models, config.gradient.model, &ModelConfig::name) - config.models.begin();
  auto gradient = study_gradient(config, world, models[static_cast<std::size_t>(chosen)].fitted, threads, step);
  auto estimator = study_estimator(config, world, gradient.exact, threads, step);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return {world, solved, std::move(models), std::move(gradient), std::move(estimator), took.count()};
}

}  // namespace mdp::cli::study
