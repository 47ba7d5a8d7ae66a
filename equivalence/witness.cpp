#include "equivalence/witness.hpp"

#include <algorithm>

#include "equivalence/level_verdicts.hpp"

namespace mdp::equivalence {
namespace {

constexpr Offset not_reached = -2;
constexpr Offset is_initial = -1;

// [n_states] the row by which the model reaches a state first.
std::vector<Offset> breadth_first(const Mdp& world, std::span<const double> values, const Mdp& model,
                                  std::span<const double> q) {
  std::vector<Offset> reached_by(values.size(), not_reached);
  std::vector<State> queue;
  for (State s = 0; s < world.n_states(); ++s) {
    const auto i = static_cast<std::size_t>(s);
    if (world.initial()[i] > 0.0 && values[i] < infinity) {
      reached_by[i] = is_initial;
      queue.push_back(s);
    }
  }
  for (std::size_t head = 0; head < queue.size(); ++head) {
    const State s = queue[head];
    const Offset first_row = model.state_rows()[static_cast<std::size_t>(s)];
    for (Offset row = first_row; row < first_row + model.n_actions(s); ++row) {
      const auto r = static_cast<std::size_t>(row);
      if (q[r] == infinity) continue;
      for (Offset k = model.row_begin()[r]; k < model.row_begin()[r + 1]; ++k) {
        const State next = model.next_state()[static_cast<std::size_t>(k)];
        const auto i = static_cast<std::size_t>(next);
        if (values[i] == infinity || reached_by[i] != not_reached) continue;
        reached_by[i] = row;
        queue.push_back(next);
      }
    }
  }
  return reached_by;
}

Step step_of(const Mdp& model, Offset row) {
  const State s = model.state_of(row);
  return {s, static_cast<Action>(row - model.state_rows()[static_cast<std::size_t>(s)])};
}

// The path that ends with `row`, from an initial state if one leads there.
std::vector<Step> path_to(const Mdp& model, const std::vector<Offset>& reached_by, Offset row) {
  std::vector<Step> path{step_of(model, row)};
  for (Offset by = reached_by[static_cast<std::size_t>(path.back().state)]; by >= 0;
       by = reached_by[static_cast<std::size_t>(path.back().state)]) {
    path.push_back(step_of(model, by));
  }
  std::reverse(path.begin(), path.end());
  return path;
}

std::string step_text(const Mdp& mdp, const Step& step) { return pair_text(mdp, step.state, step.action); }

}  // namespace

std::vector<Violation> find_witnesses(const Mdp& world, std::span<const double> values, const Mdp& model,
                                      std::span<const double> q, std::span<const double> cost,
                                      std::int64_t max_witnesses) {
  const std::vector<Offset> reached_by = breadth_first(world, values, model, q);
  std::vector<Violation> violations;
  for (std::size_t r = 0; r < cost.size() && static_cast<std::int64_t>(violations.size()) < max_witnesses; ++r) {
    if (cost[r] < infinity || q[r] == infinity) continue;
    Violation violation;
    violation.row = static_cast<Offset>(r);
    violation.next = -1;
    for (Offset k = model.row_begin()[r]; k < model.row_begin()[r + 1]; ++k) {
      const State next = model.next_state()[static_cast<std::size_t>(k)];
      if (values[static_cast<std::size_t>(next)] < infinity) continue;
      if (violation.next < 0) violation.next = next;
      violation.probability += model.probability()[static_cast<std::size_t>(k)];
    }
    violation.path = path_to(model, reached_by, violation.row);
    violation.reachable = reached_by[static_cast<std::size_t>(violation.path.front().state)] == is_initial;
    violations.push_back(std::move(violation));
  }
  return violations;
}

std::string violation_text(const Mdp& world, std::span<const double> values, const Mdp& model, Offset row) {
  std::vector<double> q(model.cost().begin(), model.cost().end()), cost(q.size(), 0.0);
  q[static_cast<std::size_t>(row)] = 0.0;
  cost[static_cast<std::size_t>(row)] = infinity;
  const Violation violation = find_witnesses(world, values, model, q, cost, 1).front();
  std::string text = step_text(world, violation.path.back()) + ": the model can go to state " +
                     world.state_name(violation.next) + ", where V* is infinite (TC(a))";
  if (!violation.reachable || violation.path.size() < 2) return text;
  text += "; it gets there by ";
  for (std::size_t k = 0; k + 1 < violation.path.size(); ++k)
    text += (k > 0 ? ", then " : "") + step_text(world, violation.path[k]);
  return text;
}

}  // namespace mdp::equivalence
