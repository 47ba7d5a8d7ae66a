#include "solvers/criterion.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "libmdp/error.hpp"
#include "solvers/applicability.hpp"
#include "solvers/average.hpp"
#include "solvers/finite_horizon.hpp"
#include "solvers/goal.hpp"
#include "solvers/reach.hpp"
#include "solvers/soft.hpp"
#include "solvers/solve.hpp"
#include "solvers/total.hpp"

namespace mdp::solvers {
namespace {

constexpr std::array<std::pair<Criterion, std::string_view>, 6> criterion_words{{
    {Criterion::discounted, "discounted"},
    {Criterion::finite, "finite"},
    {Criterion::total, "total"},
    {Criterion::goal, "goal"},
    {Criterion::reach, "reach"},
    {Criterion::average, "average"},
}};
constexpr std::array<std::pair<Improper, std::string_view>, 2> improper_words{{
    {Improper::infinite, "infinite"},
    {Improper::excluded, "excluded"},
}};

template <class Words, class T>
std::string_view word_of(const Words& words, T value) noexcept {
  for (const auto& [known, word] : words) {
    if (known == value) return word;
  }
  return {};
}

template <class Words>
auto value_of(const Words& words, std::string_view word, std::string_view option) {
  std::string list;
  for (const auto& [value, name] : words) {
    if (name == word) return value;
    list += (list.empty() ? "" : ", ") + std::string(name);
  }
  throw InvalidOption(fmt::format("{} = {}, required one of {}", option, word, list));
}

}  // namespace

std::string_view to_string(Criterion criterion) noexcept { return word_of(criterion_words, criterion); }
std::string_view to_string(Improper improper) noexcept { return word_of(improper_words, improper); }
Criterion criterion_from_string(std::string_view word) { return value_of(criterion_words, word, "criterion"); }
Improper improper_from_string(std::string_view word) { return value_of(improper_words, word, "improper"); }

std::string CriterionOptions::check() const {
  if (horizon < -1) return fmt::format("horizon = {}, required >= 0", horizon);
  return solve.check();
}

namespace {

CriterionResult refusal(Criterion criterion, const SolveOptions& options, std::string why) {
  CriterionResult result;
  result.criterion = criterion;
  result.status = Status::refused;
  result.level = options.level;
  result.method = to_string(options.method);
  result.message = std::move(why);
  result.seconds = 0.0;
  return result;
}

// The entropy-regularised problem, in the fields that it shares with the others.
CriterionResult solve_soft_discounted(const Mdp& mdp, const SolveOptions& options) {
  SoftOptions soft;
  soft.temperature = options.temperature;
  soft.tolerance = options.tolerance;
  soft.relative_tolerance = options.relative_tolerance;
  soft.max_sweeps = options.max_sweeps;
  soft.time_limit_seconds = options.time_limit_seconds;
  soft.threads = options.threads;
  soft.record_trace = options.record_trace;
  soft.observer = options.observer;
  SoftResult solved = solve_soft(mdp, soft);
  CriterionResult result;
  result.status = solved.status;
  result.level = solved.level;
  result.message = std::move(solved.message);
  result.method = std::move(solved.method);
  result.values = std::move(solved.values);
  result.value_lower = std::move(solved.value_lower);
  result.value_upper = std::move(solved.value_upper);
  result.stochastic_policy = std::move(solved.policy);
  result.value_error_bound = solved.value_error_bound;
  result.residual_min = solved.residual_min;
  result.residual_max = solved.residual_max;
  result.sweeps = solved.sweeps;
  result.iterations = solved.iterations;
  result.seconds = solved.seconds;
  result.trace = std::move(solved.trace);
  return result;
}

CriterionResult solve_discounted_criterion(const Mdp& mdp, const SolveOptions& options) {
  if (options.method == Method::soft_value_iteration) return solve_soft_discounted(mdp, options);
  CriterionResult result;
  static_cast<SolveResult&>(result) = solve(mdp, options);
  return result;
}

}  // namespace

CriterionResult solve_criterion(const Mdp& mdp, Criterion criterion, const CriterionOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  if (std::string why = why_not(options.solve.method, mdp, criterion, options.improper); !why.empty()) {
    return refusal(criterion, options.solve, std::move(why));
  }
  switch (criterion) {
    case Criterion::finite: return solve_finite_horizon(mdp, options);
    case Criterion::total: return solve_total(mdp, options);
    case Criterion::goal: return solve_goal(mdp, options);
    case Criterion::reach: return solve_reach(mdp, options);
    case Criterion::average: return solve_average(mdp, options);
    case Criterion::discounted: break;
  }
  return solve_discounted_criterion(mdp, options.solve);
}

}  // namespace mdp::solvers
