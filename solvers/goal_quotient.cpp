#include "solvers/goal_quotient.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace mdp::solvers {
namespace {

constexpr double least_loop = 0x1p-90;  // what is below is rounding

}  // namespace

Mdp quotient_mdp(const graph::ReducedMdp& m) {
  MdpArrays arrays;
  arrays.goal = {m.n_states()};
  arrays.row_begin.push_back(0);
  const auto add = [&](State next, TwoDouble p) {
    arrays.next_state.push_back(next);
    arrays.probability.push_back(p.hi);
    arrays.probability_tail.push_back(p.lo);
  };
  for (State s = 0; s < m.n_states(); ++s) {
    arrays.state_rows.push_back(m.state_rows[at(s)]);
    for (Offset row = m.state_rows[at(s)]; row < m.state_rows[at(s) + 1]; ++row) {
      TwoDouble leaving = m.exit[at(row)];
      for (Offset k = m.row_begin[at(row)]; k < m.row_begin[at(row) + 1]; ++k) {
        leaving = leaving + m.probability[at(k)];
        add(m.next_state[at(k)], m.probability[at(k)]);
      }
      if (m.exit[at(row)].hi > 0.0) add(m.n_states(), m.exit[at(row)]);
      if (const TwoDouble loop = TwoDouble(1.0) - leaving; loop.hi > least_loop) add(s, loop);
      arrays.row_begin.push_back(static_cast<Offset>(arrays.next_state.size()));
      arrays.cost.push_back(m.cost[at(row)].hi);
      arrays.cost_tail.push_back(m.cost[at(row)].lo);
    }
  }
  arrays.state_rows.push_back(m.n_rows());
  arrays.state_rows.push_back(m.n_rows());
  return build(std::move(arrays));
}

EntryUncertainty quotient_uncertainty(const graph::ReducedMdp& m) {
  Offset longest = 0;
  for (std::size_t row = 0; row + 1 < m.row_begin.size(); ++row) {
    longest = std::max(longest, m.row_begin[row + 1] - m.row_begin[row]);
  }
  double largest = 0.0;
  for (const TwoDouble c : m.cost) largest = std::max(largest, std::abs(c.hi));
  const double rounding = 3.0 * static_cast<double>(longest + 2) * unit_roundoff * unit_roundoff + least_loop;
  return {(2.0 * m.entry_error + rounding) * (1.0 + 0x1p-40),
          (m.cost_error + m.entry_error * largest) * (1.0 + 0x1p-40)};
}

}  // namespace mdp::solvers
