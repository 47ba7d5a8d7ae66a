// solvers/absorbing_methods.hpp — which method finds the least cost until exit, and how (internal).
#pragma once

#include <span>
#include <string>

#include "libmdp/graph/reduce.hpp"
#include "solvers/absorbing.hpp"
#include "solvers/goal_iteration.hpp"

namespace mdp::solvers {

struct MethodAnswer {
  AbsorbingAnswer answer;
  std::string method;  ///< what ran
  std::string why;     ///< for `auto`: why this one
};

/// Whether states may be eliminated: by run.options().method, or because `auto` leaves it to their number and what it takes.
[[nodiscard]] bool may_eliminate(State n_states, const Run& run);

/// By the method of run.options(); `auto` is inexact policy iteration.
[[nodiscard]] MethodAnswer solve_goal_problem(const GoalProblem& problem, Run& run);

/// By the method of run.options(). `auto`: elimination for few states, and for more where it fills in little; else inexact
/// policy iteration in doubles and, where rounding leaves too wide an enclosure, elimination after all.
/// `policy-iteration`: elimination.
/// \param values  [m.n_states()] to start from, or empty
[[nodiscard]] MethodAnswer solve_reduced(const graph::ReducedMdp& m, const Accuracy& accuracy,
                                         std::span<const double> values, Run& run);

/// The same by iterations in doubles, whatever rounding leaves.
[[nodiscard]] MethodAnswer iterate_reduced(const graph::ReducedMdp& m, const Accuracy& accuracy,
                                           std::span<const double> values, Run& run);

/// Encloses given values without improving them: the policy that is greedy for v is evaluated by elimination and proved from
/// below (enclose_absorbing()); where that is dear, v itself is enclosed (enclose_until_goal()).
/// \param v  [n_states] finite
[[nodiscard]] MethodAnswer enclose_reduced(const graph::ReducedMdp& m, std::span<const double> v, Run& run);

}  // namespace mdp::solvers
