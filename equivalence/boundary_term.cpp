#include "equivalence/boundary_term.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "equivalence/level_verdicts.hpp"
#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/graph/closure.hpp"
#include "libmdp/graph/components.hpp"
#include "libmdp/kernels/accurate_row.hpp"
#include "solvers/criterion.hpp"

namespace mdp::equivalence {
namespace {

using bounds::Interval;
using kernels::AccurateRow;

Offset first_row(const Mdp& mdp, State s) { return mdp.state_rows()[at(s)]; }
Offset last_row(const Mdp& mdp, State s) { return mdp.state_rows()[at(s) + 1]; }

void require_fitting(const Mdp& model, std::span<const double> values, std::span<const double> advantage) {
  if (values.size() != at(model.n_states()) || advantage.size() != at(model.n_rows())) {
    throw InvalidArgument(fmt::format("boundary term: {} values and {} advantages, required n_states = {}, n_rows = {}",
                                      values.size(), advantage.size(), model.n_states(), model.n_rows()));
  }
  const AccurateRow rows(model);
  for (State s = 0; s < model.n_states(); ++s) {
    bool has_zero = values[at(s)] == infinity;
    for (Offset row = first_row(model, s); row < last_row(model, s); ++row) {
      const auto a = static_cast<Action>(row - first_row(model, s));
      if (!(advantage[at(row)] >= 0.0)) {
        throw InvalidArgument(
            fmt::format("boundary term: {}: advantage {}, required >= 0", pair_text(model, s, a), advantage[at(row)]));
      }
      has_zero = has_zero || advantage[at(row)] == 0.0;
      if (values[at(s)] < infinity && advantage[at(row)] < infinity && rows.reaches_infinity(row, values)) {
        throw InvalidArgument("boundary term: " + pair_text(model, s, a) + " leads to a state of infinite value");
      }
    }
    if (!has_zero)
      throw InvalidArgument("boundary term: state " + model.state_name(s) + " has no pair of zero advantage");
  }
}

graph::RowMask zero_rows(const Mdp& model, std::span<const double> values, std::span<const double> advantage) {
  graph::RowMask zero(at(model.n_rows()), 0);
  for (State s = 0; s < model.n_states(); ++s) {
    for (Offset row = first_row(model, s); row < last_row(model, s); ++row) {
      zero[at(row)] = values[at(s)] < infinity && advantage[at(row)] == 0.0 ? 1 : 0;
    }
  }
  return zero;
}

// m(C), each within its component: average reward V over the rows that stay inside; and V is between its own extremes.
// `policy` attains them.
void set_means(const Mdp& model, std::span<const double> values, graph::RowMask inside,
               const solvers::SolveOptions& options, BoundaryTerm& result) {
  graph::ban_leaving_rows(model, {result.component_of, static_cast<State>(result.components.size())}, inside);
  Buffer<double> cost(at(model.n_rows()), infinity);
  for (State s = 0; s < model.n_states(); ++s) {
    if (result.component_of[at(s)] < 0) continue;
    for (Offset row = last_row(model, s); row-- > first_row(model, s);) {
      if (inside[at(row)] == 0) continue;
      cost[at(row)] = -values[at(s)];
      result.policy[at(s)] = static_cast<Action>(row - first_row(model, s));
    }
  }
  for (auto& component : result.components) component.mean = {infinity, -infinity};
  bool is_constant = true;
  for (State s = 0; s < model.n_states(); ++s) {
    if (result.component_of[at(s)] < 0) continue;
    Interval& mean = result.components[at(result.component_of[at(s)])].mean;
    mean = {std::min(mean.lower, values[at(s)]), std::max(mean.upper, values[at(s)])};
    is_constant = is_constant && mean.lower == mean.upper;
  }
  if (is_constant) return;
  solvers::CriterionOptions criterion;
  criterion.solve = options;
  criterion.solve.start.clear();
  const auto solved =
      solvers::solve_criterion(model.with_cost(std::move(cost)), solvers::Criterion::average, criterion);
  if (solved.gain_lower.empty()) return;
  for (State s = 0; s < model.n_states(); ++s) {
    if (result.component_of[at(s)] < 0) continue;
    Interval& mean = result.components[at(result.component_of[at(s)])].mean;
    mean = {std::max(mean.lower, -solved.gain_upper[at(s)]), std::min(mean.upper, -solved.gain_lower[at(s)])};
    result.policy[at(s)] = solved.policy[at(s)];
  }
}

// The components that may have the largest mean.
std::vector<char> top_components(const BoundaryTerm& result) {
  double largest = -infinity;
  for (const auto& component : result.components) largest = std::max(largest, component.mean.lower);
  std::vector<char> top;
  for (const auto& component : result.components) top.push_back(component.mean.upper >= largest ? 1 : 0);
  return top;
}

void set_constant(const std::vector<char>& top, BoundaryTerm& result) {
  result.constant = {-infinity, -infinity};
  for (const auto& component : result.components) {
    result.constant.lower = std::max(result.constant.lower, component.mean.lower);
    result.constant.upper = std::max(result.constant.upper, component.mean.upper);
  }
  double least = infinity;
  bool is_exact = true;
  for (std::size_t c = 0; c < top.size(); ++c) {
    if (top[c] == 0) continue;
    least = std::min(least, result.components[c].mean.lower);
    is_exact = is_exact && result.components[c].mean.lower == result.components[c].mean.upper;
  }
  const auto n_top = std::count(top.begin(), top.end(), 1);
  const bool is_sure = n_top == 1 || (is_exact && least == result.constant.upper);
  result.spread = is_sure ? 0.0 : bounds::round_up(result.constant.upper - least);
  result.holds = is_sure ? Verdict::yes : Verdict::undecided;
}

// The stopping problem of the header: state n is the end; in a component one may stop for c - m(C).
Mdp stopping_problem(const Mdp& model, std::span<const double> values, std::span<const double> advantage,
                     const BoundaryTerm& term) {
  const AccurateRow rows(model);
  MdpBuilder builder(std::int64_t{model.n_states()} + 1);
  for (State s = 0; s < model.n_states(); ++s) {
    for (Offset row = first_row(model, s); row < last_row(model, s); ++row) {
      builder.row(s, values[at(s)] < infinity ? advantage[at(row)] : infinity);
      for (Offset k = rows.first(row); k < rows.last(row); ++k) builder.to(rows.next(k), rows.entry(k));
    }
    if (term.component_of[at(s)] < 0) continue;
    const Interval mean = term.components[at(term.component_of[at(s)])].mean;
    builder.row(s, std::max(0.0, term.constant.upper - mean.upper)).to(model.n_states(), 1.0);
  }
  builder.goal(model.n_states());
  return builder.discount(1.0).build();
}

// Who gains by the boundary term: from the state that cannot reach the largest mean, along the stopping problem's policy.
void set_breaking_policy(const Mdp& model, std::span<const double> values, std::span<const double> advantage,
                         const solvers::SolveOptions& options, BoundaryTerm& result) {
  solvers::CriterionOptions criterion;
  criterion.solve = options;
  criterion.solve.start.clear();
  const auto solved =
      solvers::solve_criterion(stopping_problem(model, values, advantage, result), solvers::Criterion::goal, criterion);
  const auto n = at(model.n_states());
  result.rise.assign(solved.values.begin(), solved.values.begin() + static_cast<std::ptrdiff_t>(n));
  result.policy.assign(solved.policy.begin(), solved.policy.begin() + static_cast<std::ptrdiff_t>(n));
  for (State s = 0; s < model.n_states(); ++s) {
    Action& a = result.policy[at(s)];
    if (values[at(s)] == infinity) continue;
    if (a == model.n_actions(s)) {  // it stops: it stays by a zero-advantage action
      a = 0;
      while (advantage[at(first_row(model, s) + a)] != 0.0) ++a;
    } else if (result.breaking_state < 0 && advantage[at(first_row(model, s) + a)] > 0.0) {
      result.breaking_state = s;
      result.action = a;
    }
  }
}

std::string describe_failure(const Mdp& model, std::span<const double> advantage, const BoundaryTerm& term) {
  std::string text = fmt::format(
      "from state {} zero-advantage actions cannot reach almost surely where the long-run average of V* is largest, "
      "{:.6g}",
      model.state_name(term.state), term.constant.upper);
  if (term.breaking_state < 0) return text + "; the undiscounted sum shifts the values of different states differently";
  return text + fmt::format("; the undiscounted sum prefers {}, of advantage {:.6g}",
                            pair_text(model, term.breaking_state, term.action),
                            advantage[at(first_row(model, term.breaking_state) + term.action)]);
}

}  // namespace

Verdict BoundaryTerm::holds_at_zero() const noexcept {
  if (holds == Verdict::no || constant.lower > 0.0 || constant.upper < 0.0) return Verdict::no;
  return holds == Verdict::yes && constant.lower == 0.0 && constant.upper == 0.0 ? Verdict::yes : Verdict::undecided;
}

BoundaryTerm boundary_term(const Mdp& model, std::span<const double> values, std::span<const double> advantage,
                           const solvers::SolveOptions& options, double radius) {
  require_fitting(model, values, advantage);
  const graph::RowMask zero = zero_rows(model, values, advantage);
  const graph::Components found = graph::maximal_end_components(model, zero);
  BoundaryTerm result;
  result.component_of = found.of_state;
  result.components.resize(at(found.count));
  result.policy.assign(values.size(), 0);
  for (State s = model.n_states(); s-- > 0;) {
    if (found.of_state[at(s)] < 0) continue;
    auto& component = result.components[at(found.of_state[at(s)])];
    component.first = s;
    ++component.n_states;
  }
  if (result.components.empty()) {  // V* is infinite everywhere
    result.holds = Verdict::yes;
    result.constant = {0.0, 0.0};
    result.spread = 0.0;
    result.reason = "no state has a finite value";
    return result;
  }
  set_means(model, values, zero, options, result);
  for (auto& component : result.components) {
    Interval& mean = component.mean;
    if (radius > 0.0) mean = {bounds::round_down(mean.lower - radius), bounds::round_up(mean.upper + radius)};
  }
  const std::vector<char> top = top_components(result);

  graph::StateSet target(values.size(), 0), finite(values.size(), 0);
  for (std::size_t s = 0; s < values.size(); ++s) {
    finite[s] = values[s] < infinity ? 1 : 0;
    target[s] = found.of_state[s] >= 0 && top[at(found.of_state[s])] != 0 ? 1 : 0;
  }
  const graph::Predecessors into(model);
  const graph::StateSet reaching = graph::almost_surely_reaching(model, into, target, finite, zero);
  set_constant(top, result);
  for (State s = 0; s < model.n_states() && result.state < 0; ++s) {
    if (finite[at(s)] != 0 && reaching[at(s)] == 0) result.state = s;
  }
  if (result.state < 0) {
    const auto towards = graph::rows_towards(model, into, target, zero);
    for (State s = 0; s < model.n_states(); ++s) {
      if (target[at(s)] == 0 && towards[at(s)] >= 0) {
        result.policy[at(s)] = static_cast<Action>(towards[at(s)] - first_row(model, s));
      }
    }
    result.reason =
        fmt::format("the boundary term is {:.6g} in the long run, from every state and at most that for every policy",
                    result.constant.upper);
    return result;
  }
  result.holds = Verdict::no;
  result.spread = infinity;
  set_breaking_policy(model, values, advantage, options, result);
  result.reason = describe_failure(model, advantage, result);
  return result;
}

}  // namespace mdp::equivalence
