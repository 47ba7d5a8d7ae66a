// Gain and bias, exactly; see solvers/average.hpp for the criterion.
#include <algorithm>

#include "solvers/end_components.hpp"
#include "solvers/exact/exact_criteria.hpp"
#include "solvers/exact/exact_gain.hpp"
#include "solvers/exact/refine_gain.hpp"

namespace mdp::solvers {
namespace {

// L - g + P h of the rows that keep the gain, +inf of those that lose it (theory.md, section 0).
std::vector<Extended> average_q(const ExactContext& context, const Live& live, std::span<const mpq_class> gain,
                                std::span<const mpq_class> h) {
  const io::ExactModel& model = context.model();
  std::vector<Extended> q(model.rows.size(), Extended::infinity(1));
  for (std::size_t s = 0; s < context.n_states(); ++s) {
    for (Offset row = model.state_rows[s]; row < model.state_rows[s + 1]; ++row) {
      const auto& r = model.rows[at(row)];
      if (live.rows[at(row)] == 0 || expectation(0, r.to, gain) != gain[s]) continue;
      q[at(row)] = expectation(r.cost - gain[s], r.to, h);
    }
  }
  return q;
}

std::vector<Extended> extended(const graph::StateSet& live, std::span<const mpq_class> x) {
  std::vector<Extended> result;
  for (std::size_t s = 0; s < x.size(); ++s) result.push_back(live[s] != 0 ? Extended(x[s]) : Extended::infinity(1));
  return result;
}

// Whether no row has q below h: then h solves the optimality equation.
bool is_least(const io::ExactModel& model, std::span<const Extended> q, std::span<const Extended> h) {
  for (std::size_t s = 0; s < h.size(); ++s) {
    for (Offset row = model.state_rows[s]; row < model.state_rows[s + 1]; ++row) {
      if (q[at(row)] < h[s]) return false;
    }
  }
  return true;
}

ChainGain chain_of_policy(const ExactContext& context, const graph::StateSet& live, const Policy& policy) {
  std::vector<RationalRow> rows;
  std::vector<mpq_class> cost;
  for (std::size_t s = 0; s < context.n_states(); ++s) {
    const auto& row = context.model().rows[at(context.model().state_rows[s] + policy[s])];
    const auto own = static_cast<std::int64_t>(s);
    rows.push_back(live[s] != 0 ? row.to : RationalRow{{own, mpq_class(1)}});
    cost.push_back(live[s] != 0 ? row.cost : mpq_class(0));
  }
  return gain_of_chain(rows, cost, context.limits(), true);
}

// To many digits: the gain of staying in each component, then a choice among them that pays the middle of it. The least expected gain
// moves by no more than the costs of staying do.
void refine_average(ExactContext& context, const Live& live, const ExactSize& size, ExactAnswer& answer) {
  const Mdp& m = context.structure();
  const SignedComponents ends = signed_components(m, live.rows);
  std::vector<std::vector<State>> states(at(ends.component.count));
  for (State s = 0; s < m.n_states(); ++s) {
    if (ends.component.of_state[at(s)] >= 0) states[at(ends.component.of_state[at(s)])].push_back(s);
  }
  const auto& certified = context.certified();
  const std::vector<double> h = certified ? certified->iterate : std::vector<double>{};
  ExactCollapse choice;
  mpq_class half_width;
  for (const auto& own : states) {
    const RefinedGain gain = refine_gain(context.model(), own, ends.inside, context.start(), h,
                                         context.options().digits + 1, context.limits());
    if (context.unfinished(gain.end, size, answer)) return;
    choice.stay_cost.emplace_back((gain.lower + gain.upper) / 2);
    half_width = std::max(half_width, mpq_class((gain.upper - gain.lower) / 2));
  }
  choice.graph.open = live.states;
  choice.graph.usable = live.rows;
  choice.graph.component = ends.component;
  choice.graph.inside = ends.inside;
  choice.graph.may_stay.assign(states.size(), 1);
  const std::vector<mpq_class> free(context.model().rows.size());
  choice.cost = free;
  const ExactCollapsed solved = solve_exact_collapsed(context, choice);
  if (context.unfinished(solved.end, solved.size, answer)) return;
  answer.value = extended(live.states, solved.value);
  answer.error = solved.error + half_width;
}

}  // namespace

std::optional<std::vector<mpq_class>> exact_optimal_bias(const io::ExactModel& model, const ExactAnswer& answer,
                                                         const ExactOptions& options) {
  io::ExactModel means = model;  // pays -h
  ExactCollapse choice;
  std::vector<mpq_class> advantage(model.rows.size());
  choice.graph.usable.assign(advantage.size(), 0);
  for (std::size_t s = 0; s < answer.value.size(); ++s) {
    choice.graph.open.push_back(answer.value[s].is_finite() ? 1 : 0);
    for (Offset row = model.state_rows[s]; row < model.state_rows[s + 1]; ++row) {
      means.rows[at(row)].cost = -answer.potential[s];
      if (!answer.q[at(row)].is_finite() || choice.graph.open[s] == 0) continue;
      choice.graph.usable[at(row)] = 1;
      advantage[at(row)] = answer.q[at(row)].finite - answer.potential[s];
    }
  }
  ExactOptions own = options;
  own.start = answer.policy;
  ExactContext context(means, Criterion::average, own);
  const Mdp& m = context.structure();
  const graph::RowMask tied = rows_of(m, choice.graph.open, answer.optimal);
  choice.graph.component = graph::maximal_end_components(m, tied);
  choice.graph.inside = rows_inside(m, choice.graph.component, tied);
  choice.graph.may_stay.assign(at(choice.graph.component.count), 1);
  const graph::StateSet staying = states_of(choice.graph.component, choice.graph.may_stay);
  const ExactGain mean =
      least_exact_gain(context, staying, choice.graph.inside, usable_start(context, staying, choice.graph.inside));
  if (mean.end != ExactEnd::solved) return std::nullopt;
  choice.stay_cost.resize(choice.graph.may_stay.size());
  for (std::size_t s = 0; s < staying.size(); ++s) {
    if (staying[s] != 0) choice.stay_cost[at(choice.graph.component.of_state[s])] = mean.gain[s];
  }
  choice.cost = advantage;
  ExactCollapsed solved = solve_exact_collapsed(context, choice);
  if (solved.end != ExactEnd::solved) return std::nullopt;
  for (std::size_t s = 0; s < solved.value.size(); ++s) {
    if (choice.graph.open[s] != 0) solved.value[s] += answer.potential[s];
  }
  return std::move(solved.value);
}

void solve_exact_average(ExactContext& context, ExactAnswer& answer) {
  const Mdp& m = context.structure();
  const Live live = live_part(m);
  ExactGain solved = least_exact_gain(context, live.states, live.rows, usable_start(context, live.states, live.rows));
  if (solved.end == ExactEnd::too_large && context.options().digits > 0) {
    return refine_average(context, live, solved.size, answer);
  }
  if (context.unfinished(solved.end, solved.size, answer)) return;
  take_lowest_rows(m, live.states, solved.tied, answer.policy);
  ChainGain chain = chain_of_policy(context, live.states, answer.policy);
  if (context.unfinished(chain.end, chain.size, answer)) return;
  answer.value = extended(live.states, solved.gain);
  answer.bias = std::move(chain.bias);
  // The bias of the policy serves as the potential unless another policy of the same gain has less of it.
  answer.potential = answer.bias;
  answer.q = average_q(context, live, solved.gain, answer.potential);
  if (!is_least(context.model(), answer.q, extended(live.states, answer.potential))) {
    answer.potential = std::move(solved.potential);
    answer.q = average_q(context, live, solved.gain, answer.potential);
  }
  answer.optimal = tied_rows(context.model(), answer.q, extended(live.states, answer.potential));
}

}  // namespace mdp::solvers
