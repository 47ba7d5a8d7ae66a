#include "solvers/exact/exact_context.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "solvers/criterion_answer.hpp"
#include "solvers/exact/refine_until_exit.hpp"
#include "solvers/memory.hpp"

namespace mdp::solvers {
namespace {

constexpr double seconds_between_looks = 0.05;

bool is_policy_of(const io::ExactModel& model, const Policy& policy) {
  if (policy.size() != at(model.n_states)) return false;
  for (std::size_t s = 0; s < policy.size(); ++s) {
    if (policy[s] < 0 || policy[s] >= model.state_rows[s + 1] - model.state_rows[s]) return false;
  }
  return true;
}

}  // namespace

Mdp structure_of(const io::ExactModel& model) {
  const double sense = model.objective == Objective::minimize ? 1.0 : -1.0;
  MdpBuilder builder(model.n_states, model.objective);
  builder.discount(model.discount == 0 || model.discount == 1 ? model.discount.get_d() : 0.5);
  builder.state_names(model.names);
  for (std::int64_t s = 0; s < model.n_states; ++s) {
    for (Offset row = model.state_rows[at(s)]; row < model.state_rows[at(s) + 1]; ++row) {
      const io::ExactModel::Row& exact = model.rows[at(row)];
      builder.row(s, sense * (exact.inadmissible ? infinity : sgn(exact.cost)));
      for (const auto& [next, p] : exact.to) builder.to(next, 1.0 / static_cast<double>(exact.to.size()));
    }
  }
  for (const std::int64_t s : model.goal) builder.goal(s);
  return builder.build();
}

ExactContext::ExactContext(const io::ExactModel& model, Criterion criterion, const ExactOptions& options)
    : model_(model), options_(options), run_(options.criterion.solve), structure_(structure_of(model)) {
  require_valid(options.criterion);
  start_ = options.start.empty() ? find_start(criterion) : options.start;
  if (!is_policy_of(model, start_)) start_.assign(at(model.n_states), 0);
  const double memory = memory_limit_of(options.criterion.solve);
  limits_.max_bytes = options.max_bytes > 0.0 || memory < infinity
                          ? std::min(options.max_bytes > 0.0 ? options.max_bytes : infinity, memory)
                          : 0.0;
  limits_.max_operations = options.max_operations;
  limits_.keep_going = [this] {
    const double now = run_.seconds();
    if (now < next_look_) return true;
    next_look_ = now + seconds_between_looks;
    if (run_.out_of_time()) return false;
    const auto& observer = options_.criterion.solve.observer;
    return !observer || observer({run_.sweeps(), run_.iterations(), not_computed, not_computed, not_computed, now});
  };
  limits_.swept = [this](const mpq_class& least_gap, std::size_t n_changed) {
    run_.count_iteration();
    run_.count_sweep({least_gap.get_d(), 0.0}, n_changed == 0 ? 0.0 : not_computed);
    return run_.may_sweep();
  };
}

Policy ExactContext::find_start(Criterion criterion) {
  try {
    CriterionOptions options = options_.criterion;
    options.solve.level = Level::certified;
    options.solve.record_trace = false;
    options.solve.method = Method::automatic;
    certified_ = solve_criterion(io::nearest_mdp(model_), criterion, options);
    return certified_->policy;
  } catch (const Error&) {  // entries that doubles do not hold: any policy will do
    return {};
  }
}

bool ExactContext::unfinished(ExactEnd end, const ExactSize& size, ExactAnswer& answer) const {
  if (end == ExactEnd::solved) return false;
  if (end == ExactEnd::too_large) {
    answer.status = Status::refused;
    answer.message = fmt::format(
        "too large for exact arithmetic: a linear system may take {:.2g} bytes (limit {:.2g}) and {:.2g} "
        "multiplications "
        "(limit {:.2g})",
        size.bytes, limits_.max_bytes, size.operations, limits_.max_operations);
    return true;
  }
  answer.status = run_.stopped() != Status::not_run ? run_.stopped()
                  : run_.out_of_time()              ? Status::time_limit
                                                    : Status::interrupted;
  answer.message = "stopped before the exact answer was found";
  return true;
}

std::vector<mpq_class> costs_of(const io::ExactModel& model) {
  std::vector<mpq_class> cost;
  cost.reserve(model.rows.size());
  for (const auto& row : model.rows) cost.push_back(row.cost);
  return cost;
}

namespace {

// Rows of an exit problem that can be told apart by the policy: the row whose origin a policy takes, by reduced state.
std::vector<Offset> preferred_rows(const ExactContext& context, const ExitProblem& problem) {
  const auto& state_rows = context.model().state_rows;
  std::vector<char> taken(context.model().rows.size(), 0);
  for (std::size_t s = 0; s < context.n_states(); ++s) taken[at(state_rows[s] + context.start()[s])] = 1;
  std::vector<Offset> rows(problem.n_states(), -1);
  for (std::size_t s = 0; s < rows.size(); ++s) {
    for (Offset row = problem.state_rows[s]; row < problem.state_rows[s + 1]; ++row) {
      const Offset origin = problem.rows[at(row)].origin;
      if (origin < 0 ? rows[s] < 0 : rows[s] < 0 && taken[at(origin)] != 0) rows[s] = row;
    }
  }
  return rows;
}

bool leads_to(const ExitProblem::Row& row, const std::vector<char>& done) {
  mpq_class sum;
  for (const auto& [next, p] : row.to) {
    if (done[at(next)] != 0) return true;
    sum += p;
  }
  return sum != 1;
}

// The preferred rows where they exit with probability 1, others that lead there elsewhere.
std::vector<Offset> proper_start(const ExitProblem& problem, std::vector<Offset> rows) {
  const std::size_t n = rows.size();
  std::vector<char> done(n, 0);
  for (std::size_t left = n; left > 0;) {
    const std::size_t before = left;
    for (std::size_t s = 0; s < n; ++s) {
      if (done[s] != 0 || rows[s] < 0 || !leads_to(problem.rows[at(rows[s])], done)) continue;
      done[s] = 1;
      --left;
    }
    if (left != before) continue;
    const std::vector<char> reached = done;
    for (std::size_t s = 0; s < n; ++s) {
      for (Offset row = problem.state_rows[s]; row < problem.state_rows[s + 1] && done[s] == 0; ++row) {
        if (!leads_to(problem.rows[at(row)], reached)) continue;
        rows[s] = row;
        done[s] = 1;
        --left;
      }
    }
    if (left == before) throw Error("exact solve: some states have no way to exit");
  }
  return rows;
}

// One row of the model between reduced states; nothing if it never leaves its own.
std::optional<ExitProblem::Row> reduced_row(const ExactContext& context, const ExactCollapse& collapse,
                                            const Numbering& numbering, Offset row, State own) {
  ExitProblem::Row reduced;
  reduced.cost = collapse.cost[at(row)];
  reduced.origin = row;
  bool stays = true;
  for (const auto& [next, p] : context.model().rows[at(row)].to) {
    const State to = numbering.state_of[at(next)];
    stays = stays && to == own;
    if (to < 0) continue;
    const auto place = std::lower_bound(reduced.to.begin(), reduced.to.end(), static_cast<std::int64_t>(to),
                                        [](const auto& entry, std::int64_t s) { return entry.first < s; });
    if (place != reduced.to.end() && place->first == to)
      place->second += collapse.discount * p;
    else
      reduced.to.insert(place, {to, collapse.discount * p});
  }
  if (stays && collapse.discount == 1) return std::nullopt;
  return reduced;
}

ExitProblem reduced_problem(const ExactContext& context, const ExactCollapse& collapse, const Numbering& numbering) {
  const auto& graph = collapse.graph;
  std::vector<std::vector<State>> members(at(numbering.count));
  for (std::size_t s = 0; s < context.n_states(); ++s) {
    if (numbering.state_of[s] >= 0) members[at(numbering.state_of[s])].push_back(static_cast<State>(s));
  }
  ExitProblem problem;
  for (std::size_t c = 0; c < members.size(); ++c) {
    for (const State s : members[c]) {
      for (Offset row = context.model().state_rows[at(s)]; row < context.model().state_rows[at(s) + 1]; ++row) {
        if (graph.usable[at(row)] == 0) continue;
        auto reduced = reduced_row(context, collapse, numbering, row, static_cast<State>(c));
        if (reduced) problem.rows.push_back(std::move(*reduced));
      }
    }
    const State component = graph.component.count > 0 ? graph.component.of_state[at(members[c].front())] : -1;
    if (component >= 0 && !graph.may_stay.empty() && graph.may_stay[at(component)] != 0) {
      problem.rows.push_back({{}, collapse.stay_cost.empty() ? mpq_class(0) : collapse.stay_cost[at(component)], -1});
    }
    problem.close_state();
  }
  return problem;
}

}  // namespace

ExactCollapsed solve_exact_collapsed(ExactContext& context, const ExactCollapse& collapse) {
  const Numbering numbering = number(context.structure(), collapse.graph);
  ExitProblem problem = reduced_problem(context, collapse, numbering);
  ExactCollapsed result;
  result.value.resize(context.n_states());
  if (numbering.count == 0) {
    result.end = ExactEnd::solved;
    return result;
  }
  const std::vector<Offset> start = proper_start(problem, preferred_rows(context, problem));
  ExitAnswer answer = solve_until_exit(problem, start, context.limits());
  if (answer.end == ExactEnd::too_large && context.options().digits > 0) {
    RefinedExit refined = refine_until_exit(problem, start, context.options().digits, context.limits());
    answer.end = refined.end;
    answer.value = std::move(refined.value);
    result.error = std::move(refined.error);
  }
  result.end = answer.end;
  result.size = answer.size;
  if (answer.end != ExactEnd::solved) return result;
  for (std::size_t s = 0; s < context.n_states(); ++s) {
    if (numbering.state_of[s] >= 0) result.value[s] = answer.value[at(numbering.state_of[s])];
  }
  return result;
}

std::vector<Extended> exact_q(const io::ExactModel& model, const mpq_class& discount, std::span<const Extended> value) {
  std::vector<mpq_class> finite;
  finite.reserve(value.size());
  for (const Extended& v : value) finite.push_back(v.finite);
  std::vector<Extended> q;
  q.reserve(model.rows.size());
  for (const io::ExactModel::Row& row : model.rows) {
    int sign = row.inadmissible ? 1 : 0;
    RationalRow to;
    for (const auto& [next, p] : row.to) {
      if (discount == 0) break;
      if (sign <= 0 && value[at(next)].infinite != 0) sign = value[at(next)].infinite;
      to.emplace_back(next, discount * p);
    }
    q.push_back(sign != 0 ? Extended::infinity(sign) : Extended(expectation(row.cost, to, finite)));
  }
  return q;
}

std::vector<char> tied_rows(const io::ExactModel& model, std::span<const Extended> q, std::span<const Extended> value) {
  std::vector<char> tied(model.rows.size(), 0);
  for (std::size_t s = 0; s < value.size(); ++s) {
    for (Offset row = model.state_rows[s]; row < model.state_rows[s + 1]; ++row) {
      tied[at(row)] = q[at(row)] == value[s] ? 1 : 0;
    }
  }
  return tied;
}

void take_tied_rows(const Mdp& structure, std::span<const char> states, std::span<const char> target,
                    std::span<const char> tied, Policy& policy) {
  const graph::Predecessors into(structure);
  const graph::RowMask usable = rows_of(structure, states, tied);
  graph::RowMask lowest(usable.size(), 0);
  graph::StateSet candidates(target.begin(), target.end());
  for (std::size_t s = 0; s < states.size(); ++s) {
    if (states[s] == 0) continue;
    candidates[s] = 1;
    const auto first = usable.begin() + structure.state_rows()[s];
    const auto last = usable.begin() + structure.state_rows()[s + 1];
    const auto row = std::find(first, last, char{1});
    if (row == last) continue;
    policy[s] = static_cast<Action>(row - first);
    lowest[at(row - usable.begin())] = 1;
  }
  const graph::StateSet sure =
      graph::almost_surely_reaching(structure, into, graph::StateSet(target.begin(), target.end()), candidates, lowest);
  take_rows(structure, graph::rows_towards(structure, into, sure, usable), policy);
}

}  // namespace mdp::solvers
