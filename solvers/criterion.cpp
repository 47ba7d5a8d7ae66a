#include "solvers/criterion.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "libmdp/error.hpp"
#include "solvers/average.hpp"
#include "solvers/finite_horizon.hpp"
#include "solvers/goal.hpp"
#include "solvers/reach.hpp"
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

CriterionResult solve_criterion(const Mdp& mdp, Criterion criterion, const CriterionOptions& options) {
  switch (criterion) {
    case Criterion::finite: return solve_finite_horizon(mdp, options);
    case Criterion::total: return solve_total(mdp, options);
    case Criterion::goal: return solve_goal(mdp, options);
    case Criterion::reach: return solve_reach(mdp, options);
    case Criterion::average: return solve_average(mdp, options);
    case Criterion::discounted: break;
  }
  CriterionResult result;
  static_cast<SolveResult&>(result) = solve(mdp, options.solve);
  result.criterion = Criterion::discounted;
  return result;
}

}  // namespace mdp::solvers
