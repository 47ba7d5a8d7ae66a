#include "libmdp/transition_data.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "libmdp/error.hpp"

namespace mdp {

void require_valid(const Mdp& mdp, const TransitionData& data) {
  const std::size_t n = data.state.size();
  if (data.action.size() != n || data.next_state.size() != n || (!data.count.empty() && data.count.size() != n)) {
    throw InvalidArgument("transition data: columns of " + std::to_string(n) + ", " +
                          std::to_string(data.action.size()) + ", " + std::to_string(data.next_state.size()) +
                          (data.count.empty() ? "" : " and " + std::to_string(data.count.size())) +
                          " entries, required equal");
  }
  const auto is_state = [&mdp](State s) { return s >= 0 && s < mdp.n_states(); };
  for (std::size_t i = 0; i < n; ++i) {
    const auto refuse = [i](const std::string& what) {
      throw InvalidArgument("transition data: sample " + std::to_string(i) + ": " + what);
    };
    const State s = data.state[i];
    if (!is_state(s)) refuse("state " + std::to_string(s) + " does not exist");
    if (data.action[i] < 0 || data.action[i] >= mdp.n_actions(s)) {
      refuse("state " + mdp.state_name(s) + " has no action " + std::to_string(data.action[i]) + ", it has " +
             std::to_string(mdp.n_actions(s)));
    }
    const auto refuse_pair = [&](const std::string& what) {
      const Offset row = mdp.state_rows()[static_cast<std::size_t>(s)] + data.action[i];
      refuse("state " + mdp.state_name(s) + ", action " + mdp.action_name(row) + ": " + what);
    };
    if (!is_state(data.next_state[i])) {
      refuse_pair("successor " + std::to_string(data.next_state[i]) + " does not exist");
    }
    if (!data.count.empty() && !(data.count[i] >= 0.0 && data.count[i] < infinity)) {
      refuse_pair("count " + std::to_string(data.count[i]) + ", required finite and >= 0");
    }
  }
}

double TransitionCounts::total(Offset row) const {
  const auto of_row = counts(row);
  return std::accumulate(of_row.begin(), of_row.end(), 0.0);
}

double TransitionCounts::total() const { return std::accumulate(count.begin(), count.end(), 0.0); }

TransitionCounts count_transitions(const Mdp& mdp, const TransitionData& data) {
  require_valid(mdp, data);
  const std::size_t n = data.state.size();
  const auto row_of = [&](std::size_t i) {
    return mdp.state_rows()[static_cast<std::size_t>(data.state[i])] + data.action[i];
  };
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  // Stable, so that counts are added in the order in which they were seen.
  std::stable_sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) {
    const Offset a = row_of(i), b = row_of(j);
    return a != b ? a < b : data.next_state[i] < data.next_state[j];
  });
  TransitionCounts counts;
  counts.row_begin.assign(static_cast<std::size_t>(mdp.n_rows()) + 1, 0);
  Offset last_row = -1;
  for (const std::size_t i : order) {
    const double count = data.count.empty() ? 1.0 : data.count[i];
    if (count == 0.0) continue;
    if (row_of(i) == last_row && counts.next_state.back() == data.next_state[i]) {
      counts.count.back() += count;
      continue;
    }
    last_row = row_of(i);
    counts.next_state.push_back(data.next_state[i]);
    counts.count.push_back(count);
    ++counts.row_begin[static_cast<std::size_t>(last_row) + 1];
  }
  std::partial_sum(counts.row_begin.begin(), counts.row_begin.end(), counts.row_begin.begin());
  return counts;
}

}  // namespace mdp
