// What an experiment of kind sim2real is made of: world, data, family of models, start.
#include <tuple>

#include <fmt/format.h>

#include "cli/study/embedding.hpp"
#include "cli/study/sim2real.hpp"
#include "equivalence/fit.hpp"
#include "estimators/simulator.hpp"
#include "libmdp/error.hpp"
#include "solvers/solve.hpp"

namespace mdp::cli::study {
namespace {

/// A component's transitions with the world's costs, discount and start.
Mdp make_component(const ComponentConfig& component, const ExperimentConfig& experiment, const Mdp& world,
                   const TransitionData& data, int threads) {
  const auto fit = [&] { return equivalence::fit_maximum_likelihood(world, data); };
  const Mdp model = [&] {
    if (component.model == "most-likely") return equivalence::most_likely_model(fit());
    if (component.model == "mean") {
      const Positions positions = positions_of(experiment.world, world);
      return equivalence::mean_model(fit(), {positions.dimension, positions.coordinates, positions.nearest});
    }
    if (component.model == "even") {
      return equivalence::fit_maximum_likelihood(world, TransitionData{},
                                                 {.support = equivalence::FitSupport::world, .smoothing = 1.0});
    }
    return make_world(*component.generator, threads);
  }();
  return model.with_cost({world.cost().begin(), world.cost().end()})
      .with_discount(world.exact_discount())
      .with_initial(world.initial())
      .with_objective(world.objective());
}

/// The features that the file holds under a name. \throws InputError if there are none, or if nothing asks for them
std::optional<solvers::RowFeatures> features_of(const ExperimentConfig& experiment, const char* array,
                                                const std::optional<solvers::RowFeatures>& found, bool wanted,
                                                const char* key) {
  if (wanted && !found) throw InputError(experiment.file, array, fmt::format("is missing: {} needs it", key));
  if (!wanted && found) throw InputError(experiment.file, array, fmt::format("is not used: it takes {}", key));
  return found;
}

/// Where learners start: the study's theta, the file's, or what the parts say.
std::vector<double> start_of(const Sim2RealConfig& config, const ExperimentConfig& experiment,
                             const solvers::Parametrisation& from_file, const solvers::ParametricMdp& family) {
  const std::string& path = experiment.theta.empty() ? experiment.file : config.path;
  const std::string place = experiment.theta.empty() ? "theta" : experiment.name + ": family.theta";
  if (!experiment.theta.empty() && !from_file.theta.empty())
    throw InputError(path, place, "is given here and in " + experiment.file);
  std::vector<double> theta = experiment.theta.empty() ? from_file.theta : experiment.theta;
  if (theta.empty()) return family.start();
  if (static_cast<std::int64_t>(theta.size()) != family.n_parameters()) {
    throw InputError(path, place,
                     fmt::format("{} numbers, the family has {} parameters", theta.size(), family.n_parameters()));
  }
  if (const std::string rule = family.violated(theta); !rule.empty()) throw InputError(path, place, rule);
  return theta;
}

}  // namespace

solvers::SolveOptions solve_options(const Sim2RealConfig& config, int threads) {
  solvers::SolveOptions options;
  options.relative_tolerance = config.relative_tolerance;
  options.threads = threads;
  return options;
}

ExperimentParts make_experiment(const Sim2RealConfig& config, const ExperimentConfig& experiment, int threads) {
  const Mdp world = make_world(experiment.world, threads);
  const TransitionData data = estimators::sample_transitions(world, experiment.samples_per_row, config.seed, threads);
  std::vector<Mdp> models;
  for (const ComponentConfig& component : experiment.components) {
    models.push_back(make_component(component, experiment, world, data, threads));
  }
  const Mdp base = solvers::mixture(models, experiment.floor).base();
  solvers::Parametrisation file;
  if (!experiment.file.empty()) file = solvers::read_parametrisation(experiment.file, base);
  const auto tilt = features_of(experiment, "transition_features", file.transition_features,
                                experiment.tilt == "features", "tilt = \"features\"");
  const auto cost = features_of(experiment, "cost_features", file.cost_features, experiment.cost == "features",
                                "cost = \"features\"");
  std::ignore = features_of(experiment, "policy_features", file.policy_features, experiment.policy.kind == "log-linear",
                            "class = \"log-linear\"");

  std::vector<solvers::Part> further;
  std::vector<std::string> names{"transitions"};
  const auto add = [&](const char* name, solvers::Part part) {
    further.push_back(std::move(part));
    names.emplace_back(name);
  };
  if (experiment.tilt == "every-transition") add("transitions", solvers::softmax_transitions(base));
  if (tilt) add("transitions", solvers::softmax_transitions(base, *tilt));
  if (experiment.cost == "table") add("cost", solvers::cost_table(world));
  if (cost) add("cost", solvers::cost_features(*cost));
  if (experiment.discount) {
    add("discount",
        solvers::discount_parameter(world.discount(), experiment.discount->first, experiment.discount->second));
  }
  solvers::ParametricMdp family = solvers::mixture(models, experiment.floor, std::move(further));
  std::vector<double> start = start_of(config, experiment, file, family);
  return {world,
          solvers::solve(world, solve_options(config, threads)),
          std::move(family),
          std::move(names),
          count_transitions(world, data),
          std::move(start),
          std::move(file)};
}

}  // namespace mdp::cli::study
