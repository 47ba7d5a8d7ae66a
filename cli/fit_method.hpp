// cli/fit_method.hpp — fits to transition data by the name of their method, for `fit` and for studies.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "equivalence/fit.hpp"
#include "equivalence/value_aware.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/status.hpp"
#include "libmdp/transition_data.hpp"
#include "solvers/result.hpp"

namespace mdp::cli {

/// What a fit needs beyond the data.
struct FitRequest {
  std::string method = "maximum-likelihood";
  equivalence::FitOptions options;
  std::int64_t k = 2;               ///< k-point
  std::vector<State> cluster;       ///< aggregated: [n_states]
  std::vector<Offset> group;        ///< shared-rows: [n_rows]
  std::vector<double> coordinates;  ///< mean: [n_states * dimension]
  int dimension = 0;
  /// value-aware: each [n_states], cost sense; empty: V* of the maximum-likelihood fit.
  std::vector<std::vector<double>> values;
  equivalence::ValueAwareRows rows = equivalence::ValueAwareRows::deterministic;
  std::int64_t iterations = 1000;  ///< iterated-value-aware
  std::uint64_t seed = 1;          ///< posterior-sample
  double budget = 0.0;             ///< equivalent: the largest T9 epsilon allowed
  int threads = 0;
};

struct FittedModel {
  Mdp model;
  Status status = Status::converged;
  std::string message;
};

/// The names of all methods.
[[nodiscard]] const std::vector<std::string>& fit_methods();

/// Fits. \param solved  of the world; read by `equivalent` alone
/// \throws InvalidArgument, InvalidOption
[[nodiscard]] FittedModel fit_by(const FitRequest& request, const Mdp& world, const solvers::SolveResult& solved,
                                 const TransitionCounts& counts);

}  // namespace mdp::cli
