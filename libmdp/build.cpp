// Validation and normalisation of the arrays of an MDP (see mdp.hpp, build()).
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "libmdp/arrays_check.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/parallel.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/row_normaliser.hpp"

namespace mdp {
namespace {

// Blocks of about equal work; a function of the model only.
std::vector<State> make_blocks(const Buffer<Offset>& state_rows, const Buffer<Offset>& row_begin) {
  constexpr Offset work_per_block = 1 << 15;
  constexpr Offset max_blocks = 1024;
  const auto n_states = static_cast<Offset>(state_rows.size()) - 1;
  const auto work_before = [&](Offset s) {
    const Offset row = state_rows[static_cast<std::size_t>(s)];
    return row_begin[static_cast<std::size_t>(row)] + 2 * row + s;
  };
  const Offset total = work_before(n_states);
  const Offset n_blocks = std::clamp<Offset>(total / work_per_block, 1, std::min(max_blocks, n_states));
  std::vector<State> blocks{0};
  for (Offset b = 1; b < n_blocks; ++b) {
    const Offset target = total / n_blocks * b;
    Offset low = blocks.back();
    Offset high = n_states;
    while (low < high) {  // first state whose work starts at or after the target
      const Offset middle = (low + high) / 2;
      if (work_before(middle) < target)
        low = middle + 1;
      else
        high = middle;
    }
    if (low > blocks.back() && low < n_states) blocks.push_back(static_cast<State>(low));
  }
  blocks.push_back(static_cast<State>(n_states));
  return blocks;
}

// Gives every goal state (and, if asked, every dead end) without rows one cost-free self-loop. In place, from
// the back, so that each entry moves once.
void insert_self_loops(MdpArrays& m, const std::vector<State>& missing) {
  if (missing.empty()) return;
  const auto extra = static_cast<Offset>(missing.size());
  const auto n_states = static_cast<Offset>(m.state_rows.size()) - 1;
  Offset row_to = m.state_rows.back() + extra;
  Offset entry_to = m.row_begin.back() + extra;
  m.row_begin.resize(static_cast<std::size_t>(row_to) + 1);
  m.cost.resize(static_cast<std::size_t>(row_to));  // empty before, if there are goal states alone
  if (!m.cost_tail.empty()) m.cost_tail.resize(static_cast<std::size_t>(row_to));
  if (!m.names.row_action.empty()) m.names.row_action.resize(static_cast<std::size_t>(row_to));
  m.next_state.resize(static_cast<std::size_t>(entry_to));
  m.probability.resize(static_cast<std::size_t>(entry_to));
  if (!m.probability_tail.empty()) m.probability_tail.resize(static_cast<std::size_t>(entry_to));

  const auto put_entry = [&](State next, double p, double tail) {
    --entry_to;
    m.next_state[static_cast<std::size_t>(entry_to)] = next;
    m.probability[static_cast<std::size_t>(entry_to)] = p;
    if (!m.probability_tail.empty()) m.probability_tail[static_cast<std::size_t>(entry_to)] = tail;
  };
  const auto put_row = [&](double cost, double tail, std::int32_t action) {
    --row_to;
    m.cost[static_cast<std::size_t>(row_to)] = cost;
    if (!m.cost_tail.empty()) m.cost_tail[static_cast<std::size_t>(row_to)] = tail;
    if (!m.names.row_action.empty()) m.names.row_action[static_cast<std::size_t>(row_to)] = action;
    m.row_begin[static_cast<std::size_t>(row_to)] = entry_to;
  };
  m.row_begin[static_cast<std::size_t>(row_to)] = entry_to;
  Offset left = extra;
  Offset row_end = m.state_rows.back();
  Offset entry_end = entry_to - extra;
  m.state_rows.back() = row_to;
  for (Offset s = n_states - 1; s >= 0 && left > 0; --s) {
    const Offset first = m.state_rows[static_cast<std::size_t>(s)];
    if (missing[static_cast<std::size_t>(left - 1)] == s) {
      put_entry(static_cast<State>(s), 1.0, 0.0);
      put_row(0.0, 0.0, -1);
      --left;
    } else {
      for (Offset row = row_end - 1; row >= first; --row) {
        const auto r = static_cast<std::size_t>(row);
        const Offset entry_first = m.row_begin[r];
        for (Offset k = entry_end - 1; k >= entry_first; --k) {
          const auto i = static_cast<std::size_t>(k);
          put_entry(m.next_state[i], m.probability[i], m.probability_tail.empty() ? 0.0 : m.probability_tail[i]);
        }
        entry_end = entry_first;
        put_row(m.cost[r], m.cost_tail.empty() ? 0.0 : m.cost_tail[r],
                m.names.row_action.empty() ? -1 : m.names.row_action[r]);
      }
    }
    row_end = first;
    m.state_rows[static_cast<std::size_t>(s)] = row_to;
  }
}

void negate_rewards(MdpArrays& m) {
  if (m.objective != Objective::maximize) return;
  for (double& c : m.cost) c = c == 0.0 ? 0.0 : -c;
  for (double& c : m.cost_tail) c = -c;
}

}  // namespace

Mdp build(MdpArrays&& arrays, const BuildOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  MdpArrays m = std::move(arrays);
  check_shapes(m);
  std::sort(m.goal.begin(), m.goal.end());
  m.goal.erase(std::unique(m.goal.begin(), m.goal.end()), m.goal.end());

  Problems problems(options.max_problems);
  insert_self_loops(m, states_without_rows(m, options.dead_ends, problems));
  auto blocks = make_blocks(m.state_rows, m.row_begin);
  negate_rewards(m);
  check_costs(m, problems);
  RowNormaliser rows(m, blocks, options);
  rows.inspect(problems);
  check_goal_rows(m, problems);
  if (!m.initial.empty()) {
    if (const auto what = Mdp::normalise_initial(m.initial); !what.empty()) problems.add(what);
  }
  problems.throw_if_any();
  rows.rewrite();

  const auto n_states = m.state_rows.size() - 1;
  if (m.initial.empty()) m.initial.assign(n_states, 1.0 / static_cast<double>(n_states));

  Mdp::Structure structure;
  structure.row_sum_defect = rows.largest_defect();
  structure.row_defect = rows.take_defects();
  structure.probability_error = rows.probability_error();
  for (std::size_t row = 0; row + 1 < m.row_begin.size(); ++row) {
    structure.max_row_length = std::max(structure.max_row_length, m.row_begin[row + 1] - m.row_begin[row]);
  }
  structure.state_rows = std::move(m.state_rows);
  structure.row_begin = std::move(m.row_begin);
  structure.next_state = std::move(m.next_state);
  structure.probability = std::move(m.probability);
  structure.probability_tail = std::move(m.probability_tail);
  structure.goal = std::move(m.goal);
  structure.blocks = std::move(blocks);
  structure.names = std::move(m.names);

  Mdp result;
  result.structure_ = std::make_shared<const Mdp::Structure>(std::move(structure));
  result.initial_ = std::make_shared<const Buffer<double>>(std::move(m.initial));
  result.discount_ = m.discount;
  result.objective_ = m.objective;
  result.costs_ = std::make_shared<const Mdp::Costs>(Mdp::Costs::of(std::move(m.cost), std::move(m.cost_tail)));
  result.entry_error_ = {result.structure_->probability_error, result.costs_->relative_error, 0.0};
  return result;
}

}  // namespace mdp
