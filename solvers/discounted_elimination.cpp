#include "solvers/discounted_elimination.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "libmdp/bounds.hpp"
#include "libmdp/graph/closure.hpp"
#include "solvers/absorbing.hpp"
#include "solvers/collapsed.hpp"
#include "solvers/criterion_answer.hpp"
#include "solvers/gaps.hpp"

namespace mdp::solvers {
namespace {

// The states of finite value, by the rows that stay among them.
graph::ReducedMdp reduced(const Mdp& mdp, const graph::StateSet& finite, const EntryUncertainty& uncertainty) {
  const graph::RowMask admissible = graph::admissible_rows(mdp);
  const bool looks_ahead = mdp.discount() > 0.0;
  const graph::RowMask usable = looks_ahead ? rows_inside(mdp, finite, admissible) : rows_of(mdp, finite, admissible);
  graph::Reduction reduction;
  for (const char f : finite) reduction.state_of.push_back(f != 0 ? reduction.n_states++ : -1);
  reduction.usable = usable;
  reduction.entry_error = uncertainty.probability;
  reduction.cost_error = uncertainty.cost;
  reduction.discount = &mdp.exact_discount();
  return graph::reduce(mdp, reduction);
}

}  // namespace

std::optional<Enclosure> enclose_by_elimination(const Mdp& mdp, const graph::StateSet& finite,
                                                const EntryUncertainty& uncertainty, std::span<const double> values,
                                                Run& run) {
  const graph::ReducedMdp m = reduced(mdp, finite, uncertainty);
  std::vector<double> start;
  for (std::size_t s = 0; s < finite.size(); ++s) {
    if (finite[s] != 0) start.push_back(values[s]);
  }
  const AbsorbingAnswer answer = solve_absorbing(m, run, start);
  if (answer.end == AbsorbingEnd::failed) return std::nullopt;
  Enclosure e;
  e.policy.assign(finite.size(), 0);
  e.half_width = e.policy_loss_bound = 0.0;
  std::size_t next = 0;
  for (std::size_t s = 0; s < finite.size(); ++s) {
    const std::size_t c = next;
    next += finite[s] != 0 ? 1 : 0;
    e.lower.push_back(finite[s] != 0 ? outward_lower(answer.value[c], answer.below[c]) : infinity);
    e.upper.push_back(finite[s] != 0 ? outward_upper(answer.value[c], answer.above[c]) : infinity);
    const Middle mid = middle(e.lower[s], e.upper[s]);
    e.values.push_back(mid.value);
    if (finite[s] == 0) continue;
    e.policy[s] = static_cast<Action>(m.origin[at(answer.rows[c])] - mdp.state_rows()[s]);
    e.half_width = std::max(e.half_width, mid.half_width);
    e.policy_loss_bound = std::max(e.policy_loss_bound, bounds::round_up(answer.below[c] + answer.above[c]));
  }
  return e;
}

double most_elimination_bytes(State n_states) {
  const auto n = static_cast<double>(n_states);
  constexpr double bytes_of_entry = 48.0;  // in a row, and in a column
  return bytes_of_entry * std::min(n * n, most_factor_entries);
}

}  // namespace mdp::solvers
