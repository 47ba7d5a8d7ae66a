// solvers/absorbing_methods.hpp — which method finds the least cost until exit, and how (internal).
#pragma once

#include <cstdint>
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

/// Whether that comes before iterations: where it is the method, and for rather few states whose rows are short.
[[nodiscard]] bool eliminates_first(State n_states, double successors_per_row, const Run& run);
/// `auto` looks at what elimination takes when iterations have not ended within so many sweeps.
inline constexpr std::int64_t sweeps_before_elimination = 100;

/// By the method of run.options(); `auto` is inexact policy iteration.
[[nodiscard]] MethodAnswer solve_goal_problem(const GoalProblem& problem, Run& run);

/// By the method of run.options(). `auto`: elimination for few states; for more inexact policy iteration in doubles and, where it does
/// not end within some sweeps, elimination if that fills in little; where rounding leaves too wide an enclosure, elimination after all.
/// `policy-iteration`: elimination.
/// \param values   [m.n_states()] to start from, or empty
/// \param was_cut  they are from iterations that did not end within sweeps_before_elimination: no others before it
[[nodiscard]] MethodAnswer solve_reduced(const graph::ReducedMdp& m, const Accuracy& accuracy,
                                         std::span<const double> values, bool was_cut, Run& run);

/// The same by iterations in doubles, whatever rounding leaves.
[[nodiscard]] MethodAnswer iterate_reduced(const graph::ReducedMdp& m, const Accuracy& accuracy,
                                           std::span<const double> values, Run& run);

/// Encloses given values without improving them: the policy that is greedy for v is evaluated by elimination and proved from
/// below (enclose_absorbing()); where that is dear, v itself is enclosed (enclose_until_goal()).
/// \param v  [n_states] finite
[[nodiscard]] MethodAnswer enclose_reduced(const graph::ReducedMdp& m, std::span<const double> v, Run& run);

}  // namespace mdp::solvers
