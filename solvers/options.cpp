#include "solvers/options.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "libmdp/error.hpp"

namespace mdp::solvers {
namespace {

constexpr std::array<std::pair<Method, std::string_view>, 14> method_words{{
    {Method::automatic, "auto"},
    {Method::value_iteration, "value-iteration"},
    {Method::gauss_seidel, "gauss-seidel"},
    {Method::prioritized, "prioritized"},
    {Method::topological, "topological"},
    {Method::policy_iteration, "policy-iteration"},
    {Method::modified_policy_iteration, "modified-policy-iteration"},
    {Method::inexact_policy_iteration, "inexact-policy-iteration"},
    {Method::anderson, "anderson"},
    {Method::action_elimination, "action-elimination"},
    {Method::linear_programming, "linear-programming"},
    {Method::soft_value_iteration, "soft-value-iteration"},
    {Method::interval_iteration, "interval-iteration"},
    {Method::optimistic_value_iteration, "optimistic-value-iteration"},
}};

constexpr auto methods = [] {
  std::array<Method, method_words.size()> list{};
  for (std::size_t i = 0; i < list.size(); ++i) list[i] = method_words[i].first;
  return list;
}();

std::string tolerance_rule(const char* name, const std::optional<double>& x) {
  if (!x || (*x >= 0.0 && *x < infinity)) return {};
  return fmt::format("{} = {}, required finite and >= 0", name, *x);
}

}  // namespace

std::span<const Method> all_methods() noexcept { return methods; }

std::string_view to_string(Method method) noexcept {
  for (const auto& [value, word] : method_words) {
    if (value == method) return word;
  }
  return "auto";
}

Method method_from_string(std::string_view word) {
  std::string words;
  for (const auto& [value, name] : method_words) {
    if (name == word) return value;
    words += (words.empty() ? "" : ", ") + std::string(name);
  }
  throw InvalidOption(fmt::format("method = {}, required one of {}", word, words));
}

std::string SolveOptions::check() const {
  if (level == Level::exact) return "level = exact is solve_exactly()'s, required approximate or certified";
  if (auto rule = tolerance_rule("tolerance", tolerance); !rule.empty()) return rule;
  if (auto rule = tolerance_rule("relative_tolerance", relative_tolerance); !rule.empty()) return rule;
  if (max_sweeps < 1) return fmt::format("max_sweeps = {}, required >= 1", max_sweeps);
  if (!(time_limit_seconds > 0.0)) return fmt::format("time_limit_seconds = {}, required > 0", time_limit_seconds);
  if (!std::isnan(temperature) && !(temperature > 0.0 && temperature < infinity)) {
    return fmt::format("temperature = {}, required finite and > 0", temperature);
  }
  if (method == Method::soft_value_iteration && std::isnan(temperature)) {
    return "soft-value-iteration needs temperature > 0";
  }
  if (memory_limit < 0)
    return fmt::format("memory_limit = {}, required >= 0 (0 = half of the free memory)", memory_limit);
  if (threads < 0) return fmt::format("threads = {}, required >= 0 (0 = all)", threads);
  const auto bad = std::find_if(start.begin(), start.end(), [](double v) { return std::isnan(v); });
  if (bad != start.end()) return fmt::format("start[{}] is not a number", bad - start.begin());
  return {};
}

double Accuracy::at(double value) const noexcept {
  // Rounded towards 0: a test that passes, passes in exact arithmetic too.
  return (absolute + relative * std::abs(value)) * (1.0 - 4.0 * unit_roundoff);
}

Accuracy resolve_accuracy(const SolveOptions& options, double max_abs_cost) {
  if (!options.tolerance && !options.relative_tolerance) return {1e-9 * std::min(1.0, max_abs_cost), 1e-9};
  return {options.tolerance.value_or(0.0), options.relative_tolerance.value_or(0.0)};
}

}  // namespace mdp::solvers
