#include "solvers/certify.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/row_bounds.hpp"
#include "solvers/average.hpp"
#include "solvers/criterion_answer.hpp"
#include "solvers/evaluation.hpp"
#include "solvers/finite_horizon.hpp"
#include "solvers/goal.hpp"
#include "solvers/reach.hpp"
#include "solvers/run.hpp"
#include "solvers/total.hpp"

namespace mdp::solvers {
namespace {

// The values with 0 for infinities, which the graph decides. Throws for what is no number.
std::vector<double> finite_part(const Mdp& mdp, std::span<const double> values) {
  if (values.size() != at(mdp.n_states())) {
    throw InvalidArgument(fmt::format("values has {} entries, required n_states = {}", values.size(), mdp.n_states()));
  }
  std::vector<double> finite(values.begin(), values.end());
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (std::isnan(finite[at(s)])) {
      throw InvalidArgument(fmt::format("values[{}] (state {}) is not a number", s, mdp.state_name(s)));
    }
    if (!std::isfinite(finite[at(s)])) finite[at(s)] = 0.0;
  }
  return finite;
}

CriterionResult enclose_discounted(const Mdp& mdp, std::span<const double> v, const CriterionOptions& options) {
  Run run(options.solve);
  Enclosure e = enclose(mdp, std::vector<TwoDouble>(v.begin(), v.end()), options.solve.threads, options.uncertainty);
  run.count_sweep({e.residual_min, e.residual_max}, e.half_width);
  CriterionResult result;
  result.method = "residual in twice the precision";
  result.value_lower = std::move(e.lower);
  result.value_upper = std::move(e.upper);
  result.policy = std::move(e.policy);
  result.residual_min = e.residual_min;
  result.residual_max = e.residual_max;
  judge(result, resolve_accuracy(options.solve, mdp.max_abs_cost()), Status::not_run, options.solve.level);
  result.policy_loss_bound = e.policy_loss_bound;
  close(result, run);
  return result;
}

CriterionResult enclose_values(const Mdp& mdp, Criterion criterion, std::span<const double> v,
                               const CriterionOptions& options) {
  switch (criterion) {
    case Criterion::finite: return solve_finite_horizon(mdp, options);
    case Criterion::total: return solve_total(mdp, options, v);
    case Criterion::goal: return solve_goal(mdp, options, v);
    case Criterion::reach: return solve_reach(mdp, options, v);
    case Criterion::average: return solve_average(mdp, options, v);
    case Criterion::discounted: break;
  }
  return enclose_discounted(mdp, v, options);
}

// Lower and upper ends per state or row.
struct Bounds {
  std::vector<double> lower, upper;
};

// V*(s') as the successors of the criterion's Bellman equation have it, and the MDP whose rows it goes with.
struct BellmanSide {
  Mdp mdp;
  Bounds next;
};

BellmanSide bellman_side(const Mdp& mdp, const CriterionResult& result, const CriterionOptions& options) {
  Buffer<double> free(at(mdp.n_rows()), 0.0);
  switch (result.criterion) {
    case Criterion::discounted: return {mdp, {result.value_lower, result.value_upper}};
    case Criterion::total:
    case Criterion::goal: return {mdp.with_discount(Discount(1.0)), {result.value_lower, result.value_upper}};
    case Criterion::reach:
      return {mdp.with_cost(std::move(free)).with_discount(Discount(1.0)), {result.value_lower, result.value_upper}};
    case Criterion::average:
      for (std::size_t row = 0; row < free.size(); ++row) free[row] = mdp.cost()[row] == infinity ? infinity : 0.0;
      return {mdp.with_cost(std::move(free)).with_discount(Discount(1.0)), {result.gain_lower, result.gain_upper}};
    case Criterion::finite: break;
  }
  CriterionOptions rest = options;  // V* of stage 1 is V* of stage 0 with one stage less
  rest.horizon = options.horizon - 1;
  rest.solve.record_trace = false;
  CriterionResult later = solve_finite_horizon(mdp, rest);
  return {mdp, {std::move(later.value_lower), std::move(later.value_upper)}};
}

Bounds row_bounds(const BellmanSide& side, const CriterionOptions& options) {
  double size = 0.0;
  for (const auto& end : {side.next.lower, side.next.upper}) {
    for (const double x : end) size = std::max(size, std::isfinite(x) ? std::abs(x) : 0.0);
  }
  const double more = options.uncertainty.of_q(size);
  Bounds q{std::vector<double>(at(side.mdp.n_rows())), std::vector<double>(at(side.mdp.n_rows()))};
  kernels::row_bounds(side.mdp, side.next.lower, false, more, q.lower, options.solve.threads);
  kernels::row_bounds(side.mdp, side.next.upper, true, more, q.upper, options.solve.threads);
  return q;
}

// C4 in one state: the rows of `verdict` for Q* within [lower, upper], V* within [value_lower, value_upper].
void judge_actions(std::span<const double> lower, std::span<const double> upper, double value_lower, double value_upper,
                   std::span<Verdict> verdict) {
  const double best_upper = std::min(value_upper, *std::min_element(upper.begin(), upper.end()));
  const double best_lower = std::max(value_lower, *std::min_element(lower.begin(), lower.end()));
  std::size_t n_left = 0;
  for (std::size_t a = 0; a < verdict.size(); ++a) {
    verdict[a] = lower[a] > best_upper ? Verdict::not_optimal : Verdict::undecided;
    n_left += verdict[a] == Verdict::undecided ? 1 : 0;
  }
  for (std::size_t a = 0; a < verdict.size(); ++a) {
    if (verdict[a] == Verdict::undecided && (n_left == 1 || upper[a] <= best_lower)) verdict[a] = Verdict::optimal;
  }
}

// The k-th least of numbers within [lower, upper] lies between the k-th least of the ends.
std::pair<double, double> gap_of(std::vector<double> lower, std::vector<double> upper) {
  if (lower.size() < 2) return {infinity, infinity};
  std::partial_sort(lower.begin(), lower.begin() + 2, lower.end());
  std::partial_sort(upper.begin(), upper.begin() + 2, upper.end());
  const double least = lower[1] - upper[0];
  const double most = upper[1] - lower[0];
  return {std::isnan(least) ? 0.0 : std::max(0.0, bounds::round_down(least)),
          std::isnan(most) ? infinity : bounds::round_up(most)};
}

void judge_rows(const Mdp& mdp, const CriterionOptions& options, CertifyResult& result) {
  const bool average = result.criterion == Criterion::average;
  result.action_verdict.assign(at(mdp.n_rows()), Verdict::undecided);
  if (result.criterion == Criterion::finite && options.horizon == 0) return;  // no stage, no action
  const Bounds q = row_bounds(bellman_side(mdp, result, options), options);
  const auto& lower = average ? result.gain_lower : result.value_lower;
  const auto& upper = average ? result.gain_upper : result.value_upper;
  for (State s = 0; s < mdp.n_states(); ++s) {
    const auto first = at(mdp.state_rows()[at(s)]);
    const auto n = at(mdp.n_actions(s));
    const auto low = std::span(q.lower).subspan(first, n);
    const auto high = std::span(q.upper).subspan(first, n);
    // Average: the least P g over the actions is g* too (theory.md, section 0).
    judge_actions(low, high, lower[at(s)], upper[at(s)], std::span(result.action_verdict).subspan(first, n));
    if (average) continue;
    const auto [least, most] = gap_of({low.begin(), low.end()}, {high.begin(), high.end()});
    result.gap_lower.push_back(least);
    result.gap_upper.push_back(most);
  }
}

// Largest distance of the values given to an end of the enclosure.
double distance(std::span<const double> values, const CertifyResult& result) {
  double largest = 0.0;
  for (std::size_t s = 0; s < values.size(); ++s) {
    const double v = values[s];
    if (v == result.value_lower[s] && v == result.value_upper[s]) continue;
    const double off = std::max(result.value_upper[s] - v, v - result.value_lower[s]);
    largest = std::max(largest, std::isnan(off) ? infinity : bounds::round_up(off));
  }
  return largest;
}

// max (V^policy - V*) over the states where V* is not infinite for certain.
double loss_of(const CriterionResult& evaluated, const CertifyResult& result) {
  const bool average = result.criterion == Criterion::average;
  const auto& upper = average ? evaluated.gain_upper : evaluated.value_upper;
  const auto& lower = average ? result.gain_lower : result.value_lower;
  double loss = 0.0;
  for (std::size_t s = 0; s < lower.size(); ++s) {
    if (upper[s] == lower[s]) continue;
    loss = std::max(loss, bounds::round_up(upper[s] - lower[s]));
  }
  return loss;
}

// \param evaluate  evaluated with options: the policy's values
template <class F>
CertifyResult certify_policy(const Mdp& mdp, Criterion criterion, std::span<const double> values,
                             const CriterionOptions& options, F&& evaluate) {
  CertifyResult result = certify(mdp, criterion, values, options);
  CriterionOptions evaluation = options;
  evaluation.solve.method = Method::automatic;
  evaluation.solve.record_trace = false;
  const CriterionResult evaluated = evaluate(evaluation);
  result.policy_loss_bound = evaluated.status == Status::undefined ? infinity : loss_of(evaluated, result);
  result.policy.clear();
  result.policy_by_stage.clear();
  return result;
}

constexpr std::array<std::string_view, 3> verdict_words = {"undecided", "optimal", "not_optimal"};

}  // namespace

std::string_view to_string(Verdict verdict) noexcept { return verdict_words[static_cast<std::size_t>(verdict)]; }

CertifyResult certify(const Mdp& mdp, Criterion criterion, std::span<const double> values,
                      const CriterionOptions& options) {
  require_valid(mdp, options);
  if (options.solve.level != Level::certified) {
    throw InvalidOption(
        fmt::format("level = {}, required certified: certify() proves bounds", to_string(options.solve.level)));
  }
  const std::vector<double> v = finite_part(mdp, values);
  CertifyResult result;
  static_cast<CriterionResult&>(result) = enclose_values(mdp, criterion, v, options);
  result.criterion = criterion;
  if (criterion == Criterion::average) result.method = "gain bounds inside end components";
  judge_rows(mdp, options, result);
  if (criterion != Criterion::average) result.given_error_bound = distance(values, result);
  return result;
}

CertifyResult certify(const Mdp& mdp, Criterion criterion, std::span<const double> values,
                      std::span<const Action> policy, const CriterionOptions& options) {
  CertifyResult result = certify_policy(mdp, criterion, values, options, [&](const CriterionOptions& how) {
    return evaluate_criterion(mdp, policy, criterion, how);
  });
  result.policy.assign(policy.begin(), policy.end());
  return result;
}

CertifyResult certify(const Mdp& mdp, Criterion criterion, std::span<const double> values,
                      const RandomisedPolicy& policy, const CriterionOptions& options) {
  return certify_policy(mdp, criterion, values, options,
                        [&](const CriterionOptions& how) { return evaluate_criterion(mdp, policy, criterion, how); });
}

CertifyResult certify_by_stage(const Mdp& mdp, std::span<const double> values,
                               std::span<const RandomisedPolicy> policies, const CriterionOptions& options) {
  return certify_policy(mdp, Criterion::finite, values, options,
                        [&](const CriterionOptions& how) { return evaluate_by_stage(mdp, policies, how); });
}

}  // namespace mdp::solvers
