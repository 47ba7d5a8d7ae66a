#include "cli/fit_method.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "equivalence/constrained_fit.hpp"
#include "equivalence/restricted_fit.hpp"
#include "libmdp/error.hpp"
#include "solvers/solve.hpp"

namespace mdp::cli {
namespace {

using namespace equivalence;

/// One fit: what all of them are given.
struct Fit {
  const FitRequest& request;
  const Mdp& world;
  const solvers::SolveResult& solved;
  const TransitionCounts& counts;

  [[nodiscard]] Mdp likely() const { return fit_maximum_likelihood(world, counts, request.options); }
  /// Successors that restricted rows may choose from: what was seen, or what the support says.
  [[nodiscard]] std::optional<Mdp> allowed() const {
    if (request.options.support == FitSupport::all_states) return std::nullopt;
    FitOptions options = request.options;
    options.smoothing = options.support == FitSupport::world ? 1.0 : 0.0;
    return fit_maximum_likelihood(world, counts, options);
  }
  [[nodiscard]] ValueAwareOptions value_aware() const { return {request.rows, allowed(), request.threads}; }
};

FittedModel done(Mdp model, std::string message) { return {std::move(model), Status::converged, std::move(message)}; }

FittedModel maximum_likelihood(const Fit& fit) {
  return done(fit.likely(),
              fit.request.options.smoothing > 0.0 ? "posterior mean: counts and pseudo-counts" : "frequencies");
}

FittedModel posterior_sample(const Fit& fit) {
  return done(sample_posterior(fit.world, fit.counts, fit.request.options, fit.request.seed),
              fmt::format("a draw from the Dirichlet posterior, seed {}", fit.request.seed));
}

FittedModel deterministic(const Fit& fit) { return done(most_likely_model(fit.likely()), "most frequent successors"); }

FittedModel mean(const Fit& fit) {
  return done(mean_model(fit.likely(), {fit.request.dimension, fit.request.coordinates, {}}),
              "states nearest the mean successors");
}

FittedModel k_point(const Fit& fit) {
  return done(k_point_model(fit.likely(), fit.request.k),
              fmt::format("the {} most frequent successors", fit.request.k));
}

FittedModel aggregated(const Fit& fit) {
  return done(fit_aggregated(fit.world, fit.counts, fit.request.cluster, fit.request.options),
              "states of a cluster act alike");
}

FittedModel shared_rows(const Fit& fit) {
  return done(fit_shared_rows(fit.world, fit.counts, fit.request.group, fit.request.options),
              "rows of a group share their distribution");
}

FittedModel value_aware(const Fit& fit) {
  const Mdp likely = fit.likely();
  std::vector<std::vector<double>> values = fit.request.values;
  if (values.empty()) {
    solvers::SolveOptions options;
    options.threads = fit.request.threads;
    values.push_back(solvers::solve(likely, options).values);
  }
  ValueAwareFit found = fit_value_aware(likely, values, fit.value_aware());
  return done(std::move(*found.model),
              fmt::format("largest loss of a row {:.6g}, within {:.2g} of the least", found.max_loss, found.max_gap));
}

FittedModel iterated_value_aware(const Fit& fit) {
  IteratedOptions options;
  options.fit = fit.value_aware();
  options.max_iterations = fit.request.iterations;
  IteratedFit found = fit_iterated_value_aware(fit.likely(), options);
  return {std::move(*found.fit.model), found.status, found.message};
}

FittedModel equivalent(const Fit& fit) {
  ConstrainedFit found =
      fit_within(fit.world, fit.solved, fit.counts, {fit.request.options, fit.request.budget, fit.request.threads});
  return {std::move(*found.model), found.status, found.message};
}

struct Method {
  std::string name;
  FittedModel (*run)(const Fit& fit);
};

const std::vector<Method>& methods() {
  static const std::vector<Method> all = {
      {"maximum-likelihood", maximum_likelihood},
      {"posterior-sample", posterior_sample},
      {"deterministic", deterministic},
      {"mean", mean},
      {"k-point", k_point},
      {"aggregated", aggregated},
      {"shared-rows", shared_rows},
      {"value-aware", value_aware},
      {"iterated-value-aware", iterated_value_aware},
      {"equivalent", equivalent},
  };
  return all;
}

}  // namespace

const std::vector<std::string>& fit_methods() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Method& method : methods()) list.push_back(method.name);
    return list;
  }();
  return names;
}

FittedModel fit_by(const FitRequest& request, const Mdp& world, const solvers::SolveResult& solved,
                   const TransitionCounts& counts) {
  const auto method = std::ranges::find(methods(), request.method, &Method::name);
  if (method == methods().end()) throw InvalidOption("fit method \"" + request.method + "\" does not exist");
  return method->run({request, world, solved, counts});
}

}  // namespace mdp::cli
