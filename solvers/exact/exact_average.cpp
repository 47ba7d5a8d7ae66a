// Gain and bias, exactly; see solvers/average.hpp for the criterion.
#include "solvers/end_components.hpp"
#include "solvers/exact/exact_criteria.hpp"
#include "solvers/exact/exact_gain.hpp"

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

}  // namespace

void solve_exact_average(ExactContext& context, ExactAnswer& answer) {
  const Mdp& m = context.structure();
  const Live live = live_part(m);
  ExactGain solved = least_exact_gain(context, live.states, live.rows, usable_start(context, live.states, live.rows));
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
