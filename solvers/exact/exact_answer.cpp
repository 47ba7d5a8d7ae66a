#include "solvers/exact/exact_answer.hpp"

#include "libmdp/error.hpp"
#include "libmdp/graph/reachability.hpp"
#include "solvers/exact/exact_criteria.hpp"

namespace mdp::solvers {
ExactAnswer solve_exact(const io::ExactModel& model, Criterion criterion, const ExactOptions& options) {
  ExactContext context(model, criterion, options);
  ExactAnswer answer;
  answer.criterion = criterion;
  answer.policy.assign(at(model.n_states), 0);
  switch (criterion) {
    case Criterion::discounted: solve_exact_discounted(context, answer); break;
    case Criterion::finite: solve_exact_finite(context, answer); break;
    case Criterion::total: solve_exact_total(context, answer); break;
    case Criterion::goal: solve_exact_goal(context, answer); break;
    case Criterion::reach: solve_exact_reach(context, answer); break;
    case Criterion::average: solve_exact_average(context, answer); break;
  }
  if (answer.status != Status::not_run) answer.certified = context.certified();
  if (answer.status == Status::not_run) answer.status = Status::converged;
  answer.sweeps = context.run().sweeps();
  answer.iterations = context.run().iterations();
  answer.trace = context.run().take_trace();
  answer.seconds = context.run().seconds();
  return answer;
}

void solve_exact_discounted(ExactContext& context, ExactAnswer& answer) {
  const io::ExactModel& model = context.model();
  if (model.discount >= 1) throw InvalidArgument("criterion discounted needs a discount below 1");
  const graph::StateSet finite = graph::finite_value_states(context.structure());
  ExactCollapse problem;
  problem.graph.open = finite;
  const graph::RowMask admissible = graph::admissible_rows(context.structure());
  problem.graph.usable = model.discount == 0 ? rows_of(context.structure(), finite, admissible)
                                             : rows_inside(context.structure(), finite, admissible);
  const std::vector<mpq_class> cost = costs_of(model);
  problem.cost = cost;
  problem.discount = model.discount;
  ExactCollapsed solved = solve_exact_collapsed(context, problem);
  if (context.unfinished(solved.end, solved.size, answer)) return;
  for (std::size_t s = 0; s < context.n_states(); ++s) {
    answer.value.push_back(finite[s] != 0 ? Extended(std::move(solved.value[s])) : Extended::infinity(1));
  }
  answer.q = exact_q(model, model.discount, answer.value);
  answer.optimal = tied_rows(model, answer.q, answer.value);
  take_lowest_rows(context.structure(), graph::StateSet(finite.size(), 1), answer.optimal, answer.policy);
}

}  // namespace mdp::solvers
