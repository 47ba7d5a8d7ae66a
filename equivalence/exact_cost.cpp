#include "equivalence/exact_cost.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "equivalence/exact_text.hpp"
#include "equivalence/scaled_values.hpp"
#include "libmdp/error.hpp"

namespace mdp::equivalence {
namespace {

using io::Extended;
using solvers::Criterion;

template <class F>
void each_row(const io::ExactModel& model, F&& f) {
  for (std::int64_t s = 0; s < model.n_states; ++s) {
    for (auto r = model.state_rows[at(s)]; r < model.state_rows[at(s) + 1]; ++r) f(s, r);
  }
}

// In the sense of the file.
std::string number(const io::ExactModel& model, const mpq_class& x) {
  return (model.objective == Objective::maximize ? mpq_class(-x) : x).get_str();
}

// "Q^* = Q* - 5", c in the sense of the file.
std::string shifted_by(const io::ExactModel& model, const mpq_class& c) {
  const mpq_class own = model.objective == Objective::maximize ? mpq_class(-c) : c;
  return fmt::format("Q^* = Q* {} {} exactly", own < 0 ? '+' : '-', mpq_class(abs(own)).get_str());
}

void refuse(ExactCost& result, std::string message) {
  result.status = Status::refused;
  result.message = std::move(message);
}

bool is_free(const io::ExactModel& model, std::int64_t s) {
  const auto first = model.rows.begin() + model.state_rows[at(s)],
             last = model.rows.begin() + model.state_rows[at(s) + 1];
  return std::all_of(first, last, [](const auto& row) { return !row.inadmissible && row.cost == 0; });
}

// L^ = Q* - gamma^ P^ V* of the next stage, and TC(a).
ExactCost cost_for(const std::vector<Extended>& q, const std::vector<Extended>& next, const io::ExactModel& model,
                   double max_characters = infinity) {
  ExactCost result;
  result.status = Status::converged;
  result.model = model;
  const ScaledValues values(next);
  const double characters = 2.0 * values.digits() * static_cast<double>(model.rows.size());
  if (characters > max_characters) {
    refuse(result, fmt::format("the costs in rationals would take some {:.0f} characters", characters));
    return result;
  }
  each_row(model, [&](std::int64_t s, std::int64_t r) {
    auto& row = result.model.rows[at(r)];
    row.inadmissible = !q[at(r)].is_finite();
    row.cost = 0;
    if (row.inadmissible || result.status != Status::converged) return;
    const auto future = values.mean(row.to);
    if (future) {
      row.cost = (q[at(r)].finite * values.unit - model.discount * *future) / values.unit;
    } else if (model.discount == 0) {
      row.cost = q[at(r)].finite;
    } else {
      const auto lost = std::find_if(row.to.begin(), row.to.end(),
                                     [&](const auto& entry) { return values.finite[at(entry.first)] == 0; });
      refuse(result, "TC(a) fails: the model can go where V* is infinite, from " + pair_text(model, s, r) + " to " +
                         state_text(model, lost->first));
    }
  });
  if (result.status != Status::converged) return result;
  std::erase_if(result.model.goal, [&](std::int64_t s) { return !is_free(result.model, s); });
  result.message = "Q^* = Q* exactly (T1)";
  return result;
}

std::vector<Extended> costs_of(const io::ExactModel& model) {
  std::vector<Extended> cost;
  for (const auto& row : model.rows) cost.push_back(row.inadmissible ? Extended::infinity(1) : Extended(row.cost));
  return cost;
}

solvers::ExactAnswer solve(const io::ExactModel& model, Criterion criterion, const solvers::SolveOptions& options,
                           std::int64_t horizon = 0, std::vector<Extended> terminal = {}) {
  solvers::ExactOptions exact;
  exact.criterion.solve = options;
  exact.criterion.horizon = horizon;
  exact.criterion.improper = solvers::Improper::excluded;
  exact.terminal = std::move(terminal);
  return solvers::solve_exact(model, criterion, exact);
}

Extended minus(const Extended& x, const mpq_class& c) { return x.is_finite() ? Extended(mpq_class(x.finite - c)) : x; }

bool same_but_for(const std::vector<Extended>& x, const std::vector<Extended>& y, const mpq_class& c) {
  return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                    [&c](const Extended& a, const Extended& b) { return a == minus(b, c); });
}

// One sentence of what solving the model says; sets the status.
void conclude(ExactCost& result, bool confirmed, const std::string& how, std::string message) {
  result.confirmation = how;
  if (!confirmed) return refuse(result, "solving the model contradicts the construction (" + how + ")");
  result.message = std::move(message);
}

bool unfinished(ExactCost& result, const solvers::ExactAnswer& solved) {
  if (solved.converged()) return false;
  result.status = solved.status;
  result.message = "the model: " + solved.message;
  return true;
}

// The largest long-run average of `reward` that zero-advantage pairs reach from each state; nothing where V* is infinite.
std::vector<std::optional<mpq_class>> zero_advantage_average(const ExactTarget& target, const io::ExactModel& model,
                                                             const std::vector<mpq_class>& reward,
                                                             const solvers::SolveOptions& options, ExactCost& result) {
  io::ExactModel zero = model;
  zero.goal.clear();
  each_row(zero, [&](std::int64_t s, std::int64_t r) {
    auto& row = zero.rows[at(r)];
    row.inadmissible = !target.values[at(s)].is_finite() || !(target.q[at(r)] == target.values[at(s)]);
    row.cost = row.inadmissible ? mpq_class(0) : mpq_class(-reward[at(s)]);
  });
  const auto solved = solve(zero, Criterion::average, options);
  std::vector<std::optional<mpq_class>> average(at(model.n_states));
  if (unfinished(result, solved)) return average;
  for (std::size_t s = 0; s < average.size(); ++s) {
    if (solved.value[s].is_finite()) average[s] = -solved.value[s].finite;
  }
  return average;
}

// Gain 0 wherever V* is finite.
void confirm_gain(const ExactTarget& target, const solvers::SolveOptions& options, ExactCost& result,
                  std::string message) {
  const auto solved = solve(result.model, Criterion::average, options);
  if (unfinished(result, solved)) return;
  bool zero = true;
  for (std::size_t s = 0; s < solved.value.size(); ++s) {
    zero = zero && (!target.values[s].is_finite() || solved.value[s] == Extended(mpq_class(0)));
  }
  conclude(result, zero, "gain", std::move(message));
}

void change_to_undiscounted(const ExactTarget& target, Criterion criterion, const solvers::SolveOptions& options,
                            ExactCost& result) {
  std::vector<mpq_class> values;
  for (const Extended& v : target.values) values.push_back(v.finite);
  const auto average = zero_advantage_average(target, result.model, values, options, result);
  if (result.status != Status::converged) return;
  std::optional<std::size_t> least, most;
  for (std::size_t s = 0; s < average.size(); ++s) {
    if (!average[s]) continue;
    if (!least || *average[s] < *average[*least]) least = s;
    if (!most || *average[s] > *average[*most]) most = s;
  }
  if (!least) return refuse(result, "V* is infinite in every state");
  if (*average[*least] != *average[*most]) {
    return refuse(result, fmt::format("condition M(c) of T3 fails: zero-advantage actions reach a long-run average of "
                                      "V* of {} from {}, of {} from {}",
                                      number(result.model, *average[*most]),
                                      state_text(result.model, static_cast<std::int64_t>(*most)),
                                      number(result.model, *average[*least]),
                                      state_text(result.model, static_cast<std::int64_t>(*least))));
  }
  result.shift = *average[*least];
  const std::string shifted = shifted_by(result.model, result.shift) + " (T3)";
  if (criterion == Criterion::total) {
    const auto solved = solve(result.model, Criterion::total, options);
    const bool is_sum = solved.converged() && std::none_of(solved.value.begin(), solved.value.end(),
                                                           [](const Extended& v) { return v.infinite < 0; });
    if (is_sum) return conclude(result, same_but_for(solved.value, target.values, result.shift), "total", shifted);
    return confirm_gain(target, options, result, shifted + ", of the Cesaro sum: the sum itself does not settle");
  }
  confirm_gain(target, options, result, "gain 0 and bias V* - c; " + shifted);
}

void change_to_goal(const ExactTarget& target, const solvers::SolveOptions& options,
                    const std::vector<std::int64_t>& goals, ExactCost& result) {
  if (goals.empty()) return refuse(result, "criterion goal: neither the model nor the world has a goal state");
  std::vector<mpq_class> at_goal(target.values.size(), 0);
  const Extended& c = target.values[at(goals.front())];
  for (const auto s : goals) {
    if (!target.values[at(s)].is_finite() || !(target.values[at(s)] == c)) {
      return refuse(result, fmt::format("criterion goal: V* differs, or is infinite, at the goals {} and {}",
                                        state_text(result.model, goals.front()), state_text(result.model, s)));
    }
    at_goal[at(s)] = 1;
    for (auto r = result.model.state_rows[at(s)]; r < result.model.state_rows[at(s) + 1]; ++r) {
      const auto& to = result.model.rows[at(r)].to;
      if (to.size() != 1 || to.front().first != s) {
        return refuse(result, "criterion goal: " + pair_text(result.model, s, r) + " leaves a goal state");
      }
      if (!(target.q[at(r)] == c)) {
        return refuse(result, "criterion goal: " + pair_text(result.model, s, r) +
                                  " has an advantage in a goal state, where only cost-free actions may stay");
      }
    }
  }
  const auto reached = zero_advantage_average(target, result.model, at_goal, options, result);
  if (result.status != Status::converged) return;
  for (std::size_t s = 0; s < reached.size(); ++s) {
    if (!reached[s] || *reached[s] == 1) continue;
    return refuse(result, "criterion goal: from " + state_text(result.model, static_cast<std::int64_t>(s)) +
                              " no zero-advantage policy reaches a goal almost surely (T3)");
  }
  result.shift = c.finite;
  result.model.goal = goals;
  const auto solved = solve(result.model, Criterion::goal, options);
  if (unfinished(result, solved)) return;
  conclude(result, same_but_for(solved.value, target.values, result.shift), "goal",
           shifted_by(result.model, result.shift) + " for the policies that reach the goal (T3)");
}

// T2 for a finite world: a cost for each stage, each stage of the model solved with the values that the one after it has.
void change_stages(const ExactTarget& target, const io::ExactModel& model, std::int64_t horizon,
                   const solvers::SolveOptions& options, ExactCost& result) {
  const std::size_t n = at(horizon);
  if (n > target.q_by_stage.size()) {
    return refuse(
        result, fmt::format("the model has {} stages, the world {}: a stage of its own is missing for the others (T3)",
                            n, target.q_by_stage.size()));
  }
  result.cost_by_stage.resize(n);
  result.terminal = target.values_by_stage[n];
  std::vector<Extended> next = result.terminal;
  bool confirmed = true;
  for (std::size_t k = n; k-- > 0;) {
    const ExactCost stage = cost_for(target.q_by_stage[k], target.values_by_stage[k + 1], model);
    if (stage.status != Status::converged) return refuse(result, fmt::format("stage {}: {}", k, stage.message));
    const auto solved = solve(stage.model, Criterion::finite, options, 1, next);
    if (unfinished(result, solved)) return;
    confirmed = confirmed && solved.q == target.q_by_stage[k] && solved.value == target.values_by_stage[k];
    next = solved.value;
    result.cost_by_stage[k] = costs_of(stage.model);
    if (k == 0) result.model = stage.model;
  }
  result.status = Status::converged;
  conclude(result, confirmed, fmt::format("{} stages, one by one", n),
           "Q^*_k = Q*_k exactly in every stage, with the world's V* after them as terminal cost (T2)");
}

// What is left to solve of a finite world from each stage on.
void add_stages(const io::ExactModel& world, const solvers::ExactOptions& options, const solvers::ExactAnswer& solved,
                ExactTarget& target) {
  target.values_by_stage = solved.value_by_stage;
  target.q_by_stage.push_back(solved.q);
  solvers::ExactOptions one = options;
  one.criterion.horizon = 1;
  for (std::size_t k = 1; k + 1 < target.values_by_stage.size(); ++k) {
    one.terminal = target.values_by_stage[k + 1];
    target.q_by_stage.push_back(solvers::solve_exact(world, Criterion::finite, one).q);
  }
}

}  // namespace

ExactTarget exact_target(const io::ExactModel& world, Criterion criterion, const solvers::ExactOptions& options,
                         std::int64_t stage) {
  if (criterion == Criterion::reach) {
    throw InvalidOption("the world's criterion is reach: convert it to goal or total costs first");
  }
  solvers::ExactOptions asked = options;
  if (criterion == Criterion::finite) {
    if (stage < 0 || stage >= options.criterion.horizon) {
      throw InvalidOption(
          fmt::format("stage = {}, required 0 <= stage < horizon = {}", stage, options.criterion.horizon));
    }
    asked.criterion.horizon -= stage;
  }
  const auto solved = solvers::solve_exact(world, criterion, asked);
  ExactTarget target{solved.status, solved.message, criterion, solved.value, solved.q, world.goal, {}, {}};
  if (!solved.converged()) return target;
  for (std::size_t s = 0; s < target.values.size(); ++s) {
    const bool undefined = !solved.undefined_states.empty() && solved.undefined_states[s] != 0;
    if (!undefined && target.values[s].infinite >= 0) continue;
    target.status = Status::refused;
    target.message = fmt::format("the world's value at {} is {}: there is no finite Q* to reproduce",
                                 state_text(world, static_cast<std::int64_t>(s)),
                                 undefined ? "undefined (infinity minus infinity)" : "-infinity");
    return target;
  }
  if (criterion == Criterion::finite) add_stages(world, asked, solved, target);
  if (criterion != Criterion::average) return target;
  for (std::size_t s = 0; s < target.values.size(); ++s) {
    if (target.values[s].is_finite()) target.values[s] = Extended(solved.potential[s]);
  }
  return target;
}

ExactTarget shaped_target(const io::ExactModel& world, const ExactTarget& target,
                          const std::vector<Extended>& potential, const std::vector<Extended>& slack) {
  ExactTarget shaped = target;
  std::vector<char> has_best(at(world.n_states), 0);
  each_row(world, [&](std::int64_t s, std::int64_t r) {
    const Extended& own = target.values[at(s)];
    if (!own.is_finite()) return;
    const auto where = [&] { return fmt::format("state {}, action {}", s, r - world.state_rows[at(s)]); };
    const Extended phi = potential.empty() ? own : potential[at(s)];
    if (!phi.is_finite()) throw InvalidArgument(fmt::format("potential at state {}: required finite where V* is", s));
    const Extended b = !slack.empty() ? slack[at(r)] : minus(target.q[at(r)], own.finite);
    if (b.infinite < 0 || (b.is_finite() && b.finite < 0))
      throw InvalidArgument(fmt::format("slack at {}: {}, required >= 0", where(), io::text_of(b)));
    if (b.is_finite() && b.finite == 0) has_best[at(s)] = 1;
    shaped.values[at(s)] = phi;
    shaped.q[at(r)] = minus(b, mpq_class(-phi.finite));
  });
  for (std::int64_t s = 0; s < world.n_states; ++s) {
    if (has_best[at(s)] != 0 || !target.values[at(s)].is_finite()) continue;
    throw InvalidArgument(fmt::format("slack: no action of state {} has slack 0, required for the optimal ones", s));
  }
  return shaped;
}

bool same_optimal_sets(const io::ExactModel& world, const ExactTarget& a, const ExactTarget& b) {
  bool same = true;
  each_row(world, [&](std::int64_t s, std::int64_t r) {
    same = same && (a.q[at(r)] == a.values[at(s)]) == (b.q[at(r)] == b.values[at(s)]);
  });
  return same;
}

ExactCost exact_criterion_change(const ExactTarget& target, const io::ExactModel& model, Criterion criterion,
                                 const solvers::SolveOptions& options, std::int64_t horizon) {
  if (criterion == Criterion::reach) {
    throw InvalidOption("criterion = reach, required discounted, finite, goal, total or average");
  }
  if (criterion == Criterion::discounted && model.discount >= 1) {
    throw InvalidArgument("the model's discount is 1: criterion discounted needs one below 1");
  }
  const bool undiscounted = criterion != Criterion::discounted && criterion != Criterion::finite;
  io::ExactModel seen = model;
  if (undiscounted) seen.discount = 1;
  if (target.status != Status::converged) {
    ExactCost result;
    result.status = target.status;
    result.message = target.message;
    result.model = std::move(seen);
    return result;
  }
  if (criterion == Criterion::finite && target.criterion == Criterion::finite) {
    ExactCost result;
    result.model = seen;
    change_stages(target, seen, horizon, options, result);
    return result;
  }
  ExactCost result = cost_for(target.q, target.values, seen);
  if (result.status != Status::converged) return result;
  if (criterion == Criterion::goal) {
    change_to_goal(target, options, model.goal.empty() ? target.goal : model.goal, result);
  } else if (undiscounted) {
    change_to_undiscounted(target, criterion, options, result);
  } else if (criterion == Criterion::finite) {
    result.terminal = target.values;
    const auto solved = solve(result.model, Criterion::finite, options, horizon, target.values);
    if (unfinished(result, solved)) return result;
    const bool confirmed =
        solved.q == target.q && std::all_of(solved.value_by_stage.begin(), solved.value_by_stage.end(),
                                            [&](const auto& values) { return values == target.values; });
    conclude(result, confirmed, fmt::format("{} stages", horizon),
             "Q^*_k = Q* exactly in every stage, with terminal cost V* (T2)");
  } else {
    const auto solved = solve(result.model, Criterion::discounted, options);
    if (unfinished(result, solved)) return result;
    conclude(result, solved.q == target.q && solved.value == target.values, "discounted", "Q^* = Q* exactly (T1)");
  }
  return result;
}

ExactCost exact_equivalent_cost(const io::ExactModel& world, const io::ExactModel& model,
                                const solvers::SolveOptions& options, double max_characters) {
  solvers::ExactOptions exact;
  exact.criterion.solve = options;
  const ExactTarget target = exact_target(world, Criterion::discounted, exact);
  if (target.status == Status::converged) return cost_for(target.q, target.values, model, max_characters);
  ExactCost result;
  result.status = target.status;
  result.message = target.message;
  result.model = model;
  return result;
}

}  // namespace mdp::equivalence
