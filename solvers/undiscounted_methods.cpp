#include "solvers/undiscounted_methods.hpp"

#include <string_view>

#include "solvers/linear_program.hpp"

namespace mdp::solvers {
namespace {

std::string_view why_not_finite(Method method) {
  if (method == Method::value_iteration) return {};
  return "N stages are N sweeps, each done once, backwards (Bellman 1957); there is nothing to iterate";
}

std::string_view why_not_program() {
  return has_linear_programming() ? std::string_view{}
                                  : "this build has no CLP, which it needs: install coinor-libclp-dev";
}

// goal, reach and total.
std::string_view why_not_absorbing(Method method) {
  switch (method) {
    case Method::anderson:
      return "extrapolated values are neither below nor above V*, and without a discount no residual bounds their "
             "error "
             "(Haddad and Monmege 2018), so that nothing could safeguard a step";
    case Method::soft_value_iteration:
      return "a policy collects entropy for as long as it runs, so that without a discount it gains by not arriving: "
             "the "
             "soft problem may have no solution";
    case Method::linear_programming: return why_not_program();
    default: return {};
  }
}

std::string_view why_not_average(Method method) {
  switch (method) {
    case Method::value_iteration:
    case Method::policy_iteration:
    case Method::modified_policy_iteration: return {};
    case Method::linear_programming: return why_not_program();
    case Method::gauss_seidel:
    case Method::prioritized:
    case Method::topological:
      return "updates in place are not the operator T, and only min (TV - V) and max (TV - V) enclose the gain (C5)";
    case Method::action_elimination:
      return "relative values are known up to a constant only, so that no action is excluded by bounds on them "
             "(Puterman "
             "1994, section 8.5.7 needs the span to contract)";
    case Method::interval_iteration:
    case Method::optimistic_value_iteration: return "value-iteration encloses the gain from both sides already (C5)";
    case Method::anderson:
      return "extrapolation keeps neither end of min (TV - V) <= g* <= max (TV - V) (C5) from moving apart, and the "
             "operator is not a contraction that could safeguard it";
    case Method::soft_value_iteration:
      return "the entropy per stage would be part of the gain: that is another problem than the one asked for";
    default:
      return "the system of gain and bias is singular, and a Krylov solve of it bounds neither; elimination solves it "
             "to a "
             "relative accuracy (policy-iteration), sweeps of the policy approach it (modified-policy-iteration)";
  }
}

}  // namespace

std::string why_not_undiscounted(Method method, Criterion criterion) {
  if (method == Method::automatic) return {};
  switch (criterion) {
    case Criterion::finite: return std::string(why_not_finite(method));
    case Criterion::average: return std::string(why_not_average(method));
    default: return std::string(why_not_absorbing(method));
  }
}

}  // namespace mdp::solvers
