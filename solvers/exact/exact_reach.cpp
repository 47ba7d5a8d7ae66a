// The best probability of reaching the goal, exactly; see solvers/reach.hpp for the method.
#include "solvers/exact/exact_criteria.hpp"

namespace mdp::solvers {
namespace {

using graph::Needs;
using graph::RowMask;
using graph::StateSet;

// States of probability 0 and 1.
struct Certain {
  StateSet zero, one;
};

Certain certain_states(const Mdp& m, const graph::Predecessors& into, const RowMask& all, bool maximize) {
  const StateSet goal = graph::goal_states(m);
  Certain certain;
  if (maximize) {
    const StateSet possible = graph::backward_closure(m, into, goal, all, Needs::any, Needs::any);
    certain.zero = graph::complement(possible);
    certain.one = graph::almost_surely_reaching(m, into, goal, possible, all);
  } else {
    certain.zero = graph::complement(graph::backward_closure(m, into, goal, all, Needs::all, Needs::any));
    const RowMask outside_goal = rows_of(m, graph::complement(goal), all);
    certain.one =
        graph::complement(graph::backward_closure(m, into, certain.zero, outside_goal, Needs::any, Needs::any));
  }
  return certain;
}

}  // namespace

void solve_exact_reach(ExactContext& context, ExactAnswer& answer) {
  const io::ExactModel& model = context.model();
  const Mdp& m = context.structure();
  const bool maximize = model.objective == Objective::maximize;
  const graph::Predecessors into(m);
  const RowMask all(model.rows.size(), 1);
  const Certain certain = certain_states(m, into, all, maximize);
  const int sign = maximize ? -1 : 1;

  ExactCollapse problem;
  problem.graph.open.resize(context.n_states());
  for (std::size_t s = 0; s < context.n_states(); ++s) {
    problem.graph.open[s] = certain.zero[s] == 0 && certain.one[s] == 0 ? 1 : 0;
  }
  problem.graph.usable = rows_of(m, problem.graph.open, all);
  if (maximize) {
    problem.graph.inside = rows_inside(m, problem.graph.open, problem.graph.usable);
    problem.graph.component = graph::maximal_end_components(m, problem.graph.inside);
  }
  std::vector<mpq_class> cost(model.rows.size());
  for (std::size_t row = 0; row < cost.size(); ++row) {
    for (const auto& [next, p] : model.rows[row].to) {
      if (certain.one[at(next)] != 0) cost[row] += sign * p;
    }
  }
  problem.cost = cost;
  ExactCollapsed solved = solve_exact_collapsed(context, problem);
  if (context.unfinished(solved.end, solved.size, answer)) return;
  StateSet target = graph::goal_states(m);
  for (std::size_t s = 0; s < context.n_states(); ++s) {
    answer.value.emplace_back(certain.one[s] != 0 ? mpq_class(sign) : std::move(solved.value[s]));
    if (certain.zero[s] != 0) target[s] = 1;
  }
  answer.error = solved.error;
  if (answer.error > 0) return;
  io::ExactModel free = model;
  for (auto& row : free.rows) {
    row.cost = 0;
    row.inadmissible = false;
  }
  answer.q = exact_q(free, 1, answer.value);
  answer.optimal = tied_rows(model, answer.q, answer.value);
  take_lowest_rows(m, StateSet(context.n_states(), 1), answer.optimal, answer.policy);
  if (maximize) take_tied_rows(m, graph::complement(target), target, answer.optimal, answer.policy);
}

}  // namespace mdp::solvers
