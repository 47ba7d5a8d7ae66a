#include "solvers/applicability.hpp"

#include <fmt/format.h>

#include "solvers/undiscounted_methods.hpp"

namespace mdp::solvers {
namespace {

std::string refusal(Method method, std::string_view why) {
  return fmt::format("{} does not apply: {}", to_string(method), why);
}

std::string why_not_discounted(Method method) {
  switch (method) {
    case Method::interval_iteration:
    case Method::optimistic_value_iteration:
      return refusal(method,
                     "with a discount, every sweep of every method encloses V* from both sides already (C1); "
                     "it is for undiscounted criteria");
    default: return {};
  }
}

}  // namespace

std::string why_not(Method method, const Mdp&, Criterion criterion, Improper) {
  if (method == Method::automatic) return {};
  switch (criterion) {
    case Criterion::discounted: return why_not_discounted(method);
    case Criterion::finite:
    case Criterion::total:
    case Criterion::goal:
    case Criterion::reach:
    case Criterion::average: break;
  }
  const std::string why = why_not_undiscounted(method, criterion);
  return why.empty() ? std::string() : refusal(method, why);
}

}  // namespace mdp::solvers
