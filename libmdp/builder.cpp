#include "libmdp/builder.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "libmdp/arrays_check.hpp"
#include "libmdp/error.hpp"

namespace mdp {
namespace {

// A tail beside an infinite or NaN head means nothing.
TwoDouble tidy(TwoDouble x) { return std::isfinite(x.hi) ? x : TwoDouble(x.hi); }

// Appends to an array that is kept only if some entry is not zero.
void append_tail(Buffer<double>& tail, std::size_t length_before, double value) {
  if (tail.empty() && value == 0.0) return;
  if (tail.empty()) tail.assign(length_before, 0.0);
  tail.push_back(value);
}

}  // namespace

MdpBuilder::MdpBuilder(std::int64_t n_states, Objective objective) : n_states_(n_states) {
  arrays_.objective = objective;
}

MdpBuilder& MdpBuilder::reserve(Offset n_rows, Offset n_transitions) {
  arrays_.row_begin.reserve(at(n_rows) + 1);
  arrays_.cost.reserve(at(n_rows));
  row_state_.reserve(at(n_rows));
  arrays_.next_state.reserve(at(n_transitions));
  arrays_.probability.reserve(at(n_transitions));
  return *this;
}

MdpBuilder& MdpBuilder::discount(const Discount& discount) {
  arrays_.discount = discount;
  return *this;
}

MdpBuilder& MdpBuilder::initial(std::int64_t state, double probability) {
  initial_.emplace_back(state, probability);
  return *this;
}

MdpBuilder& MdpBuilder::goal(std::int64_t state) {
  goal_.push_back(state);
  return *this;
}

MdpBuilder& MdpBuilder::state_names(std::vector<std::string> names) {
  arrays_.names.states = std::move(names);
  return *this;
}

MdpBuilder& MdpBuilder::row(std::int64_t state, TwoDouble cost, std::string_view action) {
  const bool known = state >= 0 && state < n_states_ && state <= std::numeric_limits<State>::max();
  if (!known) {
    strays_.push_back({static_cast<Offset>(row_state_.size()), "row of state " + std::to_string(state)});
  }
  const State s = known ? static_cast<State>(state) : 0;
  in_state_order_ = in_state_order_ && (row_state_.empty() || row_state_.back() <= s);
  const std::size_t n = row_state_.size();
  row_state_.push_back(s);
  arrays_.row_begin.push_back(static_cast<Offset>(arrays_.next_state.size()));
  cost = tidy(cost);
  append_tail(arrays_.cost_tail, n, cost.lo);
  arrays_.cost.push_back(cost.hi);
  if (!transition_cost_.empty()) transition_cost_.emplace_back();
  std::int32_t id = -1;
  if (!action.empty()) {
    const auto [place, is_new] =
        action_ids_.try_emplace(std::string(action), static_cast<std::int32_t>(arrays_.names.actions.size()));
    if (is_new) arrays_.names.actions.emplace_back(action);
    id = place->second;
  }
  if (id >= 0 && arrays_.names.row_action.empty()) arrays_.names.row_action.assign(n, -1);
  if (id >= 0 || !arrays_.names.row_action.empty()) arrays_.names.row_action.push_back(id);
  return *this;
}

MdpBuilder& MdpBuilder::to(std::int64_t next, TwoDouble probability) {
  if (row_state_.empty()) throw InvalidArgument("MdpBuilder::to() was called before row()");
  // A successor that does not fit State is kept as -1 with its number in the problem list of build().
  State s = -1;
  if (next >= 0 && next < n_states_ && next <= std::numeric_limits<State>::max()) {
    s = static_cast<State>(next);
  } else {
    strays_.push_back({static_cast<Offset>(row_state_.size()) - 1, "successor " + std::to_string(next)});
  }
  probability = tidy(probability);
  append_tail(arrays_.probability_tail, arrays_.next_state.size(), probability.lo);
  arrays_.next_state.push_back(s);
  arrays_.probability.push_back(probability.hi);
  return *this;
}

MdpBuilder& MdpBuilder::to(std::int64_t next, TwoDouble probability, TwoDouble transition_cost) {
  to(next, probability);
  if (probability.hi == 0.0) return *this;  // 0 * inf := 0
  if (transition_cost_.empty()) transition_cost_.assign(row_state_.size(), TwoDouble());
  TwoDouble& sum = transition_cost_.back();
  const bool finite = std::isfinite(transition_cost.hi) && std::isfinite(sum.hi);
  sum = finite ? sum + probability * transition_cost : TwoDouble(sum.hi + probability.hi * transition_cost.hi);
  return *this;
}

Mdp MdpBuilder::build(const BuildOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  check(options);
  arrays_.row_begin.push_back(static_cast<Offset>(arrays_.next_state.size()));
  fold_transition_costs();
  arrays_.state_rows.assign(at(n_states_) + 1, 0);
  for (const State s : row_state_) ++arrays_.state_rows[at(s) + 1];
  for (std::size_t s = 0; s < at(n_states_); ++s) arrays_.state_rows[s + 1] += arrays_.state_rows[s];
  if (!in_state_order_) order_rows();
  row_state_ = {};
  for (const auto s : goal_) arrays_.goal.push_back(static_cast<State>(s));
  if (!initial_.empty()) {
    arrays_.initial.assign(at(n_states_), 0.0);
    for (const auto& [state, p] : initial_) arrays_.initial[at(state)] += p;
  }
  return mdp::build(std::move(arrays_), options);
}

// Everything that would be lost, or would take memory of size n_states, in the arrays.
void MdpBuilder::check(const BuildOptions& options) const {
  Problems problems(options.max_problems);
  const std::string range = " does not exist, required 0 <= state < " + std::to_string(n_states_);
  const auto given = static_cast<std::int64_t>(row_state_.size() + goal_.size());
  if (n_states_ < 1) {
    problems.add("an MDP needs at least one state");
  } else if (n_states_ > std::numeric_limits<State>::max() - 1) {
    problems.add(std::to_string(n_states_) + " states, required at most 2^31 - 2");
  } else if (n_states_ > given && options.dead_ends == DeadEnds::refuse) {
    problems.add(std::to_string(n_states_) + " states, but only " + std::to_string(row_state_.size()) + " rows and " +
                 std::to_string(goal_.size()) + " goal states: every state needs an action, unless it is a goal");
  }
  for (const auto& stray : strays_) {
    problems.add("row " + std::to_string(stray.row) + " (in order of arrival): " + stray.what + range);
  }
  for (const auto s : goal_) {
    if (s < 0 || s >= n_states_) problems.add("goal state " + std::to_string(s) + range);
  }
  for (const auto& [s, p] : initial_) {
    if (s < 0 || s >= n_states_) problems.add("initial state " + std::to_string(s) + range);
  }
  problems.throw_if_any();
}

void MdpBuilder::fold_transition_costs() {
  if (transition_cost_.empty()) return;
  for (std::size_t row = 0; row < row_state_.size(); ++row) {
    const TwoDouble extra = transition_cost_[row];
    if (extra.hi == 0.0) continue;
    TwoDouble sum;
    for (Offset k = arrays_.row_begin[row]; k < arrays_.row_begin[row + 1]; ++k) {
      sum = sum + TwoDouble(arrays_.probability[at(k)],
                            arrays_.probability_tail.empty() ? 0.0 : arrays_.probability_tail[at(k)]);
    }
    const TwoDouble cost(arrays_.cost[row], arrays_.cost_tail.empty() ? 0.0 : arrays_.cost_tail[row]);
    const bool finite = std::isfinite(extra.hi) && std::isfinite(cost.hi);
    const TwoDouble total = finite ? cost + extra / sum : TwoDouble(cost.hi + extra.hi);
    if (arrays_.cost_tail.empty() && total.lo != 0.0) arrays_.cost_tail.assign(arrays_.cost.size(), 0.0);
    arrays_.cost[row] = total.hi;
    if (!arrays_.cost_tail.empty()) arrays_.cost_tail[row] = total.lo;
  }
  transition_cost_ = {};
}

// Brings rows into state order, keeping the order of arrival within a state: one copy of the arrays.
void MdpBuilder::order_rows() {
  MdpArrays& from = arrays_;
  const std::size_t n_rows = row_state_.size();
  Buffer<Offset> place(from.state_rows.begin(), from.state_rows.end() - 1);
  Buffer<Offset> source(n_rows);
  for (std::size_t row = 0; row < n_rows; ++row) source[at(place[at(row_state_[row])]++)] = static_cast<Offset>(row);
  const auto permute_rows = [&](auto& values) {
    if (values.empty()) return;
    auto ordered = values;
    for (std::size_t row = 0; row < n_rows; ++row) ordered[row] = values[at(source[row])];
    values = std::move(ordered);
  };
  permute_rows(from.cost);
  permute_rows(from.cost_tail);
  permute_rows(from.names.row_action);
  Buffer<Offset> row_begin(n_rows + 1);
  row_begin[0] = 0;
  for (std::size_t row = 0; row < n_rows; ++row) {
    row_begin[row + 1] = row_begin[row] + from.row_begin[at(source[row]) + 1] - from.row_begin[at(source[row])];
  }
  const auto permute_entries = [&](auto& values) {
    if (values.empty()) return;
    auto ordered = values;
    for (std::size_t row = 0; row < n_rows; ++row) {
      std::copy(values.begin() + from.row_begin[at(source[row])], values.begin() + from.row_begin[at(source[row]) + 1],
                ordered.begin() + row_begin[row]);
    }
    values = std::move(ordered);
  };
  permute_entries(from.next_state);
  permute_entries(from.probability);
  permute_entries(from.probability_tail);
  from.row_begin = std::move(row_begin);
}

}  // namespace mdp
