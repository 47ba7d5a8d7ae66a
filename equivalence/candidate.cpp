#include "equivalence/candidate.hpp"

#include <algorithm>
#include <chrono>

#include "equivalence/q_distance.hpp"
#include "equivalence/shape.hpp"
#include "libmdp/error.hpp"
#include "solvers/evaluation.hpp"

namespace mdp::equivalence {
namespace {

using bounds::round_down;
using bounds::round_up;

// Regret per state and its aggregates.
void set_regret(const Mdp& world, const KnownValues& known, const solvers::EvaluationResult& evaluation,
                CandidateResult& result) {
  const auto n = static_cast<std::size_t>(world.n_states());
  result.policy_value = evaluation.values;
  result.regret.assign(n, 0.0);
  result.regret_lower.assign(n, 0.0);
  result.regret_upper.assign(n, 0.0);
  result.max_regret = {0.0, 0.0};
  result.initial_regret = 0.0;
  result.initial_regret_bounds = {0.0, 0.0};
  for (std::size_t s = 0; s < n; ++s) {
    if (known.values[s] == infinity) continue;  // nothing to lose
    result.regret[s] = evaluation.values[s] - known.values[s];
    const bool lost = evaluation.values[s] == infinity;
    result.regret_lower[s] = lost ? infinity : std::max(0.0, round_down(evaluation.value_lower[s] - known.upper[s]));
    result.regret_upper[s] = round_up(evaluation.value_upper[s] - known.lower[s]);
    result.max_regret.lower = std::max(result.max_regret.lower, result.regret_lower[s]);
    result.max_regret.upper = std::max(result.max_regret.upper, result.regret_upper[s]);
    const double weight = world.initial()[s];
    if (weight == 0.0) continue;
    result.initial_regret += weight * result.regret[s];
    result.initial_regret_bounds.lower += weight * result.regret_lower[s];
    result.initial_regret_bounds.upper += weight * result.regret_upper[s];
  }
  // n products of one rounding, n sums, and initial probabilities that sum to 1 within n roundings.
  const double relative = bounds::rounding(2 * static_cast<Offset>(n) + 4);
  result.initial_regret_bounds.lower = round_down(result.initial_regret_bounds.lower * (1.0 - relative));
  result.initial_regret_bounds.upper = round_up(result.initial_regret_bounds.upper * (1.0 + relative));
}

// C3 with a slack: if Q^*(s, pi) <= V^*(s) + slack, then A*(s, pi) <= sp_a(Q^* - Q*)(s, .) + slack, because
// Q*(pi) - Q*(pi*) = (Q* - Q^*)(pi) - (Q* - Q^*)(pi*) + Q^*(pi) - Q^*(pi*).
void set_regret_bounds(const Mdp& world, const Mdp& model, CandidateResult& result) {
  const double slack = result.distance.greedy_slack_bound;
  result.regret_bound_c3 = bounds::policy_loss(round_up(result.distance.span_bound + slack), world.exact_discount());
  const double model_span =
      bounds::value_error(round_up(result.defect.range.upper - result.defect.range.lower), model.exact_discount());
  result.regret_bound_t9 = bounds::policy_loss(round_up(model_span + slack), world.exact_discount());
}

void require_certified(const solvers::SolveOptions& options) {
  if (options.level != Level::certified) throw InvalidOption("solve.level must be certified: enclosures are compared");
}

// A solver stopped before its first bounds has nothing to compare.
bool has_bounds(const solvers::SolveResult& result) { return result.value_error_bound < infinity; }

std::string describe(const char* what, const std::string& message) {
  return message.empty() ? std::string{} : std::string(what) + ": " + message;
}

}  // namespace

CandidateResult assess_candidate(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                                 const CandidateOptions& options) {
  require_certified(options.solve);
  require_same_shape(world, model);
  require_certified(world, world_values, "world");
  const auto start = std::chrono::steady_clock::now();
  CandidateResult result;
  result.defect = model_defect(world, world_values, model, options.solve.threads);
  if (model.discount() >= 1.0) {
    result.status = Status::refused;
    result.message = "the candidate's discount is 1: its discounted solution does not exist";
    return result;
  }
  result.model = solvers::solve(model, options.solve);
  if (has_bounds(result.model)) {
    result.distance = q_distance(world, world_values, model, result.model, result.model.policy, options.solve.threads);
  }
  const auto evaluation = solvers::evaluate(world, result.model.policy, options.solve);
  set_regret(world, world_values, evaluation, result);
  set_regret_bounds(world, model, result);
  result.status = result.model.converged() ? evaluation.status : result.model.status;
  result.message = result.model.converged() ? describe("its policy in the world", evaluation.message)
                                            : describe("the candidate's solution", result.model.message);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

Verification verify(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                    const solvers::SolveOptions& options, double shift) {
  require_certified(options);
  require_same_shape(world, model);
  require_certified(world, world_values, "world");
  Verification result;
  if (model.discount() >= 1.0) {
    result.status = Status::refused;
    result.message = "the model's discount is 1: its discounted solution does not exist";
    return result;
  }
  const ModelDefect defect = model_defect(world, world_values, model, options.threads);
  result.promise = about_shift(defect, model.exact_discount(), shift).q_error_bound;
  result.model = solvers::solve(model, options);
  result.status = result.model.status;
  result.message = result.model.message;
  if (has_bounds(result.model)) {
    result.distance = q_distance(world, world_values, model, result.model, result.model.policy, options.threads, shift);
  }
  return result;
}

}  // namespace mdp::equivalence
