#include "libmdp/graph/reduced_gap.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace mdp::graph {
ReducedGap drift_of_row(const ReducedMdp& m, Offset row, State row_state, std::span<const TwoDouble> v,
                        std::span<const double> size) {
  const TwoDouble own = v[at(row_state)];
  const double own_size = size[at(row_state)];
  ReducedGap drift{-(m.exit[at(row)] * own), m.exit[at(row)].hi * own_size};
  for (Offset k = m.row_begin[at(row)]; k < m.row_begin[at(row) + 1]; ++k) {
    const auto next = at(m.next_state[at(k)]);
    drift.value = drift.value + (v[next] - own) * m.probability[at(k)];
    drift.magnitude += m.probability[at(k)].hi * (size[next] + own_size);
  }
  return drift;
}

ReducedGap gap_of_row(const ReducedMdp& m, Offset row, State row_state, std::span<const TwoDouble> v,
                      std::span<const double> size) {
  const ReducedGap drift = drift_of_row(m, row, row_state, v, size);
  return {drift.value + m.cost[at(row)], drift.magnitude + std::abs(m.cost[at(row)].hi)};
}

double reduced_gap_rounding(const ReducedMdp& m) {
  Offset longest = 0;
  for (std::size_t row = 0; row + 1 < m.row_begin.size(); ++row) {
    longest = std::max(longest, m.row_begin[row + 1] - m.row_begin[row]);
  }
  return (4.0 * static_cast<double>(longest) + 32.0) * unit_roundoff * unit_roundoff;
}

WayOut way_out(const ReducedMdp& m, std::span<const char> usable) {
  const auto n = at(m.n_states());
  // Rows sorted by the states that they lead to; state of each row.
  std::vector<Offset> begin(n + 1, 0);
  for (const State next : m.next_state) ++begin[at(next) + 1];
  for (std::size_t s = 0; s < n; ++s) begin[s + 1] += begin[s];
  std::vector<Offset> place(begin.begin(), begin.end() - 1);
  std::vector<Offset> into(m.next_state.size());
  std::vector<State> owner(at(m.n_rows()));
  std::vector<Offset> choice(n, -1);
  std::vector<State> distance(n, -1);
  std::vector<State> work;
  const auto may = [&](Offset row) { return usable.empty() || usable[at(row)] != 0; };
  for (State s = 0; s < m.n_states(); ++s) {
    for (Offset row = m.state_rows[at(s)]; row < m.state_rows[at(s) + 1]; ++row) {
      owner[at(row)] = s;
      for (Offset k = m.row_begin[at(row)]; k < m.row_begin[at(row) + 1]; ++k) {
        into[at(place[at(m.next_state[at(k)])]++)] = row;
      }
      if (m.exit[at(row)].hi > 0.0 && may(row) && choice[at(s)] < 0) {
        choice[at(s)] = row;
        distance[at(s)] = 1;
        work.push_back(s);
      }
    }
  }
  for (std::size_t head = 0; head < work.size(); ++head) {
    const State s = work[head];
    for (Offset i = begin[at(s)]; i < begin[at(s) + 1]; ++i) {
      const Offset row = into[at(i)];
      const auto from = at(owner[at(row)]);
      if (!may(row)) continue;
      if (distance[from] < 0) {
        distance[from] = distance[at(s)] + 1;
        choice[from] = row;
        work.push_back(owner[at(row)]);
      } else if (distance[from] > distance[at(s)]) {
        choice[from] = std::min(choice[from], row);
      }
    }
  }
  return {std::move(choice), std::move(work)};
}

std::vector<Offset> rows_to_exit(const ReducedMdp& m, std::span<const char> usable) { return way_out(m, usable).rows; }

bool exits_surely(const ReducedMdp& m, std::span<const Offset> rows) {
  std::vector<char> usable(at(m.n_rows()), 0);
  for (const Offset row : rows) usable[at(row)] = 1;
  const auto choice = rows_to_exit(m, usable);
  return std::find(choice.begin(), choice.end(), Offset{-1}) == choice.end();
}

}  // namespace mdp::graph
