#include "libmdp/arrays_check.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "libmdp/error.hpp"

namespace mdp {
namespace {

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", x);
  return text;
}

[[noreturn]] void refuse(const std::string& what) { throw InvalidModel({what}, 1); }

void check_length(std::size_t length, std::size_t required, const char* name, const char* rule) {
  if (length != required) {
    refuse(std::string(name) + " has " + std::to_string(length) + " entries, required " + rule + " = " +
           std::to_string(required));
  }
}

// 0 = first <= ... <= last = end.
void check_offsets(const Buffer<Offset>& offsets, Offset end, const char* name, const char* what) {
  if (offsets.front() != 0) refuse(std::string(name) + "[0] = " + std::to_string(offsets.front()) + ", required 0");
  for (std::size_t i = 1; i < offsets.size(); ++i) {
    if (offsets[i] < offsets[i - 1]) {
      refuse(std::string(name) + "[" + std::to_string(i) + "] = " + std::to_string(offsets[i]) +
             " is less than the entry before it, required ascending");
    }
  }
  if (offsets.back() != end) {
    refuse(std::string(name) + " ends with " + std::to_string(offsets.back()) + ", required " + what + " = " +
           std::to_string(end));
  }
}

}  // namespace

void Problems::add(const std::string& text) {
  if (!full()) texts_.push_back(text);
  ++n_;
}

void Problems::append(const Problems& other) {
  const auto before = n_ + other.n_;
  for (const auto& text : other.texts_) add(text);
  n_ = before;
}

void Problems::throw_if_any() const {
  if (n_ > 0) throw InvalidModel(texts_, n_);
}

std::string place_of_state(const MdpArrays& m, Offset state) {
  std::string place = "state " + std::to_string(state);
  if (!m.names.states.empty()) place += " (" + m.names.states[at(state)] + ")";
  return place;
}

std::string place_of_row(const MdpArrays& m, Offset row) {
  const auto state = std::upper_bound(m.state_rows.begin(), m.state_rows.end(), row) - m.state_rows.begin() - 1;
  std::string place = place_of_state(m, state) + ", action " + std::to_string(row - m.state_rows[at(state)]);
  if (!m.names.row_action.empty() && m.names.row_action[at(row)] >= 0) {
    place += " (" + m.names.actions[at(m.names.row_action[at(row)])] + ")";
  }
  return place;
}

void check_shapes(const MdpArrays& m) {
  if (m.state_rows.size() < 2) refuse("an MDP needs at least one state");
  if (m.state_rows.size() - 1 > at(std::numeric_limits<State>::max() - 1)) refuse("more than 2^31 - 2 states");
  if (m.row_begin.empty()) refuse("row_begin is empty, required n_rows + 1 entries");
  const std::size_t n_states = m.state_rows.size() - 1;
  const std::size_t n_rows = m.row_begin.size() - 1;
  const std::size_t n_transitions = m.next_state.size();
  check_offsets(m.state_rows, static_cast<Offset>(n_rows), "state_rows", "the number of rows");
  check_offsets(m.row_begin, static_cast<Offset>(n_transitions), "row_begin", "the number of transitions");
  check_length(m.probability.size(), n_transitions, "probability", "n_transitions");
  check_length(m.cost.size(), n_rows, "cost", "n_rows");
  if (!m.probability_tail.empty())
    check_length(m.probability_tail.size(), n_transitions, "probability_tail", "n_transitions");
  if (!m.cost_tail.empty()) check_length(m.cost_tail.size(), n_rows, "cost_tail", "n_rows");
  if (!m.initial.empty()) check_length(m.initial.size(), n_states, "initial", "n_states");
  if (!m.names.states.empty()) check_length(m.names.states.size(), n_states, "names of states", "n_states");
  if (!m.names.row_action.empty()) check_length(m.names.row_action.size(), n_rows, "names of actions", "n_rows");
  for (const auto id : m.names.row_action) {
    if (id < -1 || id >= static_cast<std::int64_t>(m.names.actions.size())) {
      refuse("action name " + std::to_string(id) + " does not exist");
    }
  }
  for (const State s : m.goal) {
    if (s < 0 || at(s) >= n_states) {
      refuse("goal state " + std::to_string(s) + " does not exist, required 0 <= state < " + std::to_string(n_states));
    }
  }
}

std::vector<State> states_without_rows(const MdpArrays& m, DeadEnds dead_ends, Problems& problems) {
  std::vector<State> missing;
  auto goal = m.goal.begin();
  for (std::size_t s = 0; s + 1 < m.state_rows.size(); ++s) {
    const auto state = static_cast<State>(s);
    while (goal != m.goal.end() && *goal < state) ++goal;
    if (m.state_rows[s] != m.state_rows[s + 1]) continue;
    const bool is_goal = goal != m.goal.end() && *goal == state;
    if (is_goal || dead_ends == DeadEnds::absorbing) {
      missing.push_back(state);
    } else if (problems.full()) {
      problems.count();
    } else {
      problems.add(place_of_state(m, state) + " has no actions; every state needs one, unless it is a goal");
    }
  }
  return missing;
}

void check_costs(const MdpArrays& m, Problems& problems) {
  const bool rewards = m.objective == Objective::maximize;
  for (std::size_t row = 0; row < m.cost.size(); ++row) {
    const double c = m.cost[row];
    const double tail = m.cost_tail.empty() ? 0.0 : m.cost_tail[row];
    if (c > -infinity && std::isfinite(tail)) continue;
    if (problems.full()) {
      problems.count();
      continue;
    }
    problems.add(place_of_row(m, static_cast<Offset>(row)) + (rewards ? ": reward is " : ": cost is ") +
                 number(rewards ? -c : c) +
                 (rewards ? ", required finite or -inf (inadmissible)" : ", required finite or +inf (inadmissible)"));
  }
}

void check_goal_rows(const MdpArrays& m, Problems& problems) {
  for (const State s : m.goal) {
    for (Offset row = m.state_rows[at(s)]; row < m.state_rows[at(s) + 1]; ++row) {
      bool loop = m.cost[at(row)] == 0.0;
      for (Offset k = m.row_begin[at(row)]; k < m.row_begin[at(row) + 1]; ++k) {
        loop = loop && (m.next_state[at(k)] == s || m.probability[at(k)] == 0.0);
      }
      if (!loop) problems.add(place_of_row(m, row) + ": the row of a goal state must be a cost-free self-loop");
    }
  }
}

}  // namespace mdp
