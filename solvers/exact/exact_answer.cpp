#include "solvers/exact/exact_answer.hpp"

#include <map>

#include <fmt/format.h>

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

namespace {

io::ExactModel::Row mean_row(const io::ExactModel& model, std::int64_t s, std::span<const mpq_class> weight) {
  io::ExactModel::Row mean;
  std::map<std::int64_t, mpq_class> to;
  mpq_class total;
  for (Offset row = model.state_rows[at(s)]; row < model.state_rows[at(s) + 1]; ++row) {
    if (weight[at(row)] < 0) throw InvalidArgument(fmt::format("state {}: a probability of the policy is negative", s));
    total += weight[at(row)];
  }
  if (total == 0) throw InvalidArgument(fmt::format("state {}: the policy's probabilities sum to 0", s));
  for (Offset row = model.state_rows[at(s)]; row < model.state_rows[at(s) + 1]; ++row) {
    if (weight[at(row)] == 0) continue;
    const mpq_class share = weight[at(row)] / total;
    mean.inadmissible = mean.inadmissible || model.rows[at(row)].inadmissible;
    mean.cost += share * model.rows[at(row)].cost;
    for (const auto& [next, p] : model.rows[at(row)].to) to[next] += share * p;
  }
  if (mean.inadmissible) mean.cost = 0;
  mean.to.assign(to.begin(), to.end());
  return mean;
}

}  // namespace

io::ExactModel exact_chain(const io::ExactModel& model, std::span<const mpq_class> stochastic_policy) {
  if (stochastic_policy.size() != model.rows.size()) {
    throw InvalidArgument(
        fmt::format("policy: {} probabilities, required {}, one per row", stochastic_policy.size(), model.rows.size()));
  }
  io::ExactModel chain = model;
  chain.rows.clear();
  for (std::int64_t s = 0; s < model.n_states; ++s) {
    chain.state_rows[at(s)] = s;
    chain.rows.push_back(mean_row(model, s, stochastic_policy));
  }
  chain.state_rows.back() = model.n_states;
  return chain;
}

io::ExactModel exact_chain(const io::ExactModel& model, std::span<const Action> policy) {
  if (policy.size() != at(model.n_states)) {
    throw InvalidArgument(fmt::format("policy: {} actions, required {}, one per state", policy.size(), model.n_states));
  }
  std::vector<mpq_class> weight(model.rows.size());
  for (std::size_t s = 0; s < policy.size(); ++s) {
    const Offset row = model.state_rows[s] + policy[s];
    if (policy[s] < 0 || row >= model.state_rows[s + 1]) {
      throw InvalidArgument(fmt::format("policy: state {} has no action {}", s, policy[s]));
    }
    weight[at(row)] = 1;
  }
  return exact_chain(model, weight);
}

}  // namespace mdp::solvers
