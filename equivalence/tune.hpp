// equivalence/tune.hpp — in-real learning over in-sim learning: move a model until its policy does well in the world
// (theory.md, section 6).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "equivalence/levels.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/transition_data.hpp"
#include "solvers/descent.hpp"
#include "solvers/parametric.hpp"
#include "solvers/result.hpp"

namespace mdp::equivalence {

/// Mean of log p over the samples, weighted by their counts, nats; -inf if one is impossible in the model.
[[nodiscard]] double mean_log_likelihood(const Mdp& model, const TransitionCounts& counts);
/// Its gradient by the model's probabilities: count/(n p), n the sum of all counts. The impossible apart.
[[nodiscard]] solvers::EntryGradient likelihood_gradient(const Mdp& model, const TransitionCounts& counts);

/// What a learner minimises.
enum class TuneObjective {
  world_performance,  ///< J of the world under the model's soft-optimal policy (D8)
  likelihood,         ///< - mean log-likelihood of the data
  defect              ///< T9's Delta, mean square: 0 where Q^* = Q* (level E3)
};

/// One iterate. Numbers in cost sense.
struct TuneRecord {
  std::int64_t iteration = 0;
  std::int64_t evaluations = 0;
  double performance = not_computed;        ///< J(pi_beta) in the world
  double performance_error = not_computed;  ///< proved
  double optimum = not_computed;            ///< J* = rho0^T V* of the world
  bounds::Interval regret;               ///< proved: rho0^T (V^pi - V*) of the model's optimal policy, without entropy
  double epsilon = not_computed;         ///< T9
  std::string level;                     ///< first level of equivalence that holds (T4'), "none"
  double log_likelihood = not_computed;  ///< mean over the data; NaN without data
  double gradient_norm = not_computed;   ///< largest |d objective/d theta_i| over free parameters
};

/// How a run ended, in terms of the world.
enum class TuneEnding : std::uint8_t {
  regret_zero,  ///< the model's optimal policy is the world's, to certified precision
  stationary,  ///< the objective's gradient by theta vanishes and that by the policy does not: a local optimum of the family
  flat,        ///< both vanish though the world's policy could be improved: the policy is saturated
  no_progress,  ///< rounding hides any further descent
  limit,        ///< max_iterations
  interrupted
};
[[nodiscard]] std::string_view to_string(TuneEnding ending) noexcept;

struct TuneOptions {
  TuneObjective objective = TuneObjective::world_performance;
  double temperature = 0.1;            ///< beta > 0 of the model's policy
  std::vector<double> reference = {};  ///< mu of the soft policy; empty = counting measure
  std::vector<char> free = {};         ///< [n_parameters] which parameters this learner moves; empty = all
  solvers::DescentMethod method = solvers::DescentMethod::quasi_newton;
  std::int64_t max_iterations = 100;  ///< >= 0
  double gradient_tolerance = 1e-8;   ///< > 0; see DescentOptions
  double first_step = 0.1;            ///< > 0; see DescentOptions
  /// world_performance: end when the upper bound of the regret is at most this times max(1, |J*|). 0: go on to stationarity.
  double regret_tolerance = 1e-9;
  solvers::SolveOptions solve = {};  ///< of the model, for regret and level
  int threads = 0;
  /// Called with every iterate and what is needed to resume there; false stops.
  std::function<bool(const TuneRecord&, const solvers::DescentState&)> observer = {};

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

struct TuneResult {
  Status status = Status::not_run;  ///< of the descent; converged also for regret_zero
  TuneEnding ending = TuneEnding::limit;
  std::string message;
  solvers::DescentState state;    ///< theta = state.x; resume from it
  std::vector<TuneRecord> trace;  ///< this run's iterates, the first included
  double policy_gradient_norm =
      not_computed;                        ///< sum |dJ/dlog pi| at the end: 0 where the policy is saturated or optimal
  double improvement_left = not_computed;  ///< sum_s d(s) max_a(-A(s,a)) in the world: 0 iff no action improves
};

/// Outer descent on theta, the inner optimum exact: at each iterate the model is solved softly (D4), its policy paid in the
/// world, and D8's gradient contracted with the family's Jacobian; the line search uses the exact J. Projections keep theta
/// valid. Each iterate is recorded with the certified regret of its deterministic policy, epsilon (T9), level (T4') and
/// likelihood. Resuming from `start` = an earlier result's state gives the same bits as not stopping.
/// \param data   counts of pairs of the world (weights, perhaps), or empty. \param world_solution  certified
/// \throws InvalidOption, InvalidArgument: shapes; likelihood of data that the family's support makes impossible
[[nodiscard]] TuneResult tune(const Mdp& world, const solvers::SolveResult& world_solution,
                              const solvers::ParametricMdp& family, const TransitionCounts& data,
                              solvers::DescentState start, const TuneOptions& options = {});

}  // namespace mdp::equivalence
