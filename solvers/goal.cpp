#include "solvers/goal.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "libmdp/vectors.hpp"
#include "solvers/collapsed.hpp"
#include "solvers/component_gain.hpp"
#include "solvers/component_models.hpp"
#include "solvers/criterion_answer.hpp"
#include "solvers/end_components.hpp"
#include "solvers/exact_cycle.hpp"
#include "solvers/infinite_values.hpp"

namespace mdp::solvers {
namespace {

using graph::Needs;
using graph::RowMask;
using graph::StateSet;
using graph::without;

constexpr State largest_exact_class = 3000;
constexpr double largest_tie = 1e-15;  // of the largest cost: gaps up to it may be taken for 0

class Goal {
 public:
  Goal(const Mdp& mdp, const CriterionOptions& options, std::span<const double> given)
      : mdp_(mdp),
        options_(options),
        given_(given),
        solve_(options.solve),
        run_(solve_),
        into_(mdp),
        goal_(graph::goal_states(mdp)),
        live_(live_part(mdp)) {
    result_.criterion = Criterion::goal;
    result_.method = "graph";
    result_.policy.assign(at(mdp.n_states()), 0);
    result_.value_lower.assign(at(mdp.n_states()), infinity);
    result_.value_upper.assign(at(mdp.n_states()), infinity);
  }

  CriterionResult operator()() {
    take_lowest_rows(mdp_, live_.states, live_.rows, result_.policy);
    for (std::size_t s = 0; s < goal_.size(); ++s) {
      if (goal_[s] != 0) set_value(s, 0.0, 0.0);
    }
    if (options_.improper == Improper::infinite && mdp_.objective() == Objective::maximize)
      solve_where_nobody_misses();
    else
      solve_among_proper();
    judge(result_, resolve_accuracy(options_.solve, mdp_.max_abs_cost()), run_.stopped(), options_.solve.level);
    close(result_, run_);
    return std::move(result_);
  }

 private:
  void set_value(std::size_t s, double lower, double upper) {
    result_.value_lower[s] = lower;
    result_.value_upper[s] = upper;
  }
  void set_unbounded(const StateSet& states) {
    for (std::size_t s = 0; s < states.size(); ++s) {
      if (states[s] != 0) set_value(s, -infinity, -infinity);
    }
  }

  // +inf in a maximising file for a policy that may miss: so where one can, it does.
  void solve_where_nobody_misses() {
    MissedGoal missed = miss_goal(mdp_, into_, goal_, live_, result_.policy);
    set_unbounded(missed.may_miss);
    solve(missed.rest, std::vector<TwoDouble>(goal_.size()));
  }

  void solve_among_proper() {
    const StateSet proper = graph::almost_surely_reaching(mdp_, into_, goal_, live_.states, live_.rows);
    const RowMask kept = rows_of(mdp_, without(proper, goal_), rows_into(proper));
    const Cycles cycles = find_cycles(proper, kept);
    set_unbounded(cycles.unbounded);
    Collapse collapse;
    collapse.open = without(without(proper, goal_), cycles.unbounded);
    collapse.usable = rows_of(mdp_, collapse.open, kept);
    std::vector<TwoDouble> cost;
    if (cycles.any_potential) {
      auto shaped = graph::shaped_costs(mdp_, cycles.potential);
      cost = std::move(shaped.cost);
      collapse.inside = rows_inside(mdp_, collapse.open, collapse.usable);
      free_tied_rows(collapse.inside, cycles, cost);
      collapse.cost = cost;
      collapse.cost_error =
          shaped.error + 2.0 * options_.uncertainty.probability * (1.0 + 0x1p-50) * max_abs(cycles.potential);
    } else {
      collapse.inside = free_rows(mdp_, collapse.usable);
    }
    if (std::find(collapse.inside.begin(), collapse.inside.end(), char{1}) != collapse.inside.end()) {
      graph::keep_rows_inside(mdp_, collapse.open, collapse.inside);
      collapse.component = graph::maximal_end_components(mdp_, collapse.inside);
    }
    solve(collapse, cycles.potential);
    bool any = false;
    for (std::size_t s = 0; s < cycles.doubtful.size(); ++s) {
      if (cycles.doubtful[s] == 0 || cycles.unbounded[s] != 0) continue;
      result_.value_lower[s] = -infinity;
      any = true;
    }
    if (any) {
      result_.message += (result_.message.empty() ? "" : "; ") +
                         std::string("whether some cycles cost less than 0 is below double precision");
    }
  }

  // What end components make of a policy that stays in them for long.
  struct Cycles {
    std::vector<char> loses;      // [components] 1 = gain < 0: no least cost
    std::vector<char> undecided;  // [components] 1 = gain < 0 or = 0
    // [n_states] h with L = h - Ph on the rows that attain gain 0, where a component has costs of both signs; else 0
    std::vector<TwoDouble> potential;
    std::vector<double> tie;  // [n_states] gaps up to this are 0; 0 = only exactly
    bool any_potential = false;
    StateSet unbounded;  // states from where a component that loses can be reached
    StateSet doubtful;   // and one that is undecided
  };

  // Only costs below 0 make cycles that matter; costs of 0 are collapsed afterwards.
  Cycles find_cycles(const StateSet& proper, const RowMask& kept) {
    bool any = false;
    for (std::size_t row = 0; row < kept.size() && !any; ++row) any = kept[row] != 0 && mdp_.cost()[row] < 0.0;
    if (!any) {
      Cycles none;
      none.potential.resize(goal_.size());
      none.unbounded.assign(goal_.size(), 0);
      return none;
    }
    const auto ends = signed_components(mdp_, rows_inside(mdp_, without(proper, goal_), rows_into(proper)));
    Cycles cycles = classify(ends);
    const auto reaching = [&](const std::vector<char>& marked) {
      return graph::backward_closure(mdp_, into_, states_of(ends.component, marked), kept, Needs::any, Needs::any);
    };
    cycles.unbounded = reaching(cycles.loses);
    cycles.doubtful = reaching(cycles.undecided);
    return cycles;
  }

  Cycles classify(const SignedComponents& ends) {
    const auto count = at(ends.component.count);
    Cycles cycles;
    cycles.loses.resize(count);
    cycles.undecided.resize(count);
    cycles.potential.resize(goal_.size());
    cycles.tie.resize(goal_.size());
    std::optional<ComponentModels> models;
    for (State c = 0; c < ends.component.count; ++c) {
      if (ends.has_negative[at(c)] == 0) continue;
      if (ends.has_positive[at(c)] == 0) {
        cycles.loses[at(c)] = 1;
        continue;
      }
      if (!models) models.emplace(mdp_, ends, options_.uncertainty);
      const ComponentGain gain = sharpest_gain(models->part(c), run_);
      if (gain.good && gain.lower > 0.0) continue;
      // A run that was stopped, or doubles out of range, leave it open.
      const double tie = 8.0 * (gain.gap_error + std::max(std::abs(gain.lower), std::abs(gain.upper)));
      const bool known = gain.good && (gain.upper < 0.0 || tie <= largest_tie * mdp_.max_abs_cost());
      std::optional<int> sign;
      if (known) {
        const bool doubles = options_.uncertainty.probability == 0.0 && options_.uncertainty.cost == 0.0;
        const MeantComponent meant{models->part(c), models->states(c), mdp_, doubles};
        sign = gain.upper < 0.0 ? -1 : sign_of_gain(meant, gain.rows, gain.root, largest_exact_class);
      }
      cycles.loses[at(c)] = sign == -1 ? 1 : 0;
      cycles.undecided[at(c)] = !sign ? 1 : 0;
      if (sign != 0) continue;
      cycles.any_potential = true;
      for (std::size_t i = 0; i < gain.relative_value.size(); ++i) {
        const auto s = at(models->states(c)[i]);
        cycles.potential[s] = gain.relative_value[i];
        cycles.tie[s] = tie;
      }
    }
    return cycles;
  }

  // Keeps the rows that cost nothing; those of gap 0 but for rounding are made to.
  void free_tied_rows(RowMask& rows, const Cycles& cycles, std::vector<TwoDouble>& cost) const {
    for (State s = 0; s < mdp_.n_states(); ++s) {
      for (Offset row = mdp_.state_rows()[at(s)]; row < mdp_.state_rows()[at(s) + 1]; ++row) {
        if (rows[at(row)] == 0) continue;
        rows[at(row)] = std::abs(cost[at(row)].hi) <= cycles.tie[at(s)] ? 1 : 0;
        if (rows[at(row)] != 0) cost[at(row)] = 0.0;
      }
    }
  }

  // Admissible rows with all successors in the set.
  [[nodiscard]] RowMask rows_into(const StateSet& set) const {
    RowMask rows = live_.rows;
    graph::keep_rows_inside(mdp_, set, rows);
    return rows;
  }

  // Adds the potential to the values of the shaped problem.
  void solve(Collapse& collapse, const std::vector<TwoDouble>& potential) {
    collapse.entry_error = options_.uncertainty.probability;
    collapse.accuracy = resolve_accuracy(options_.solve, mdp_.max_abs_cost());
    std::vector<double> given(given_.begin(), given_.end());
    for (std::size_t s = 0; s < given.size(); ++s) given[s] -= potential[s].hi;
    collapse.given = given;
    collapse.cost_error += options_.uncertainty.cost;
    for (std::size_t s = 0; s < solve_.start.size(); ++s) solve_.start[s] -= potential[s].hi;
    const CollapsedAnswer answer = solve_collapsed(mdp_, into_, collapse, run_, result_.policy);
    say_how(result_, answer);
    keep_iterate(result_, answer, potential);
    for (std::size_t s = 0; s < goal_.size(); ++s) {
      if (collapse.open[s] == 0) continue;
      if (answer.end == AbsorbingEnd::failed) {
        set_value(s, -infinity, infinity);
      } else {
        const TwoDouble value = answer.value[s] + potential[s];
        const double rounding = potential[s].hi == 0.0 ? 0.0 : 0x1p-100 * std::abs(value.hi);
        set_value(s, outward_lower(value, answer.below[s] + rounding),
                  outward_upper(value, answer.above[s] + rounding));
      }
    }
  }

  const Mdp& mdp_;
  const CriterionOptions& options_;
  std::span<const double> given_;  // to be enclosed; empty = solve
  SolveOptions solve_;             // start: of the problem as shaped by a potential
  Run run_;
  graph::PredecessorsWhenNeeded into_;
  StateSet goal_;
  Live live_;
  CriterionResult result_;
};

}  // namespace

CriterionResult solve_goal(const Mdp& mdp, const CriterionOptions& options, std::span<const double> given) {
  require_valid(mdp, options);
  return Goal(mdp, options, given)();
}

}  // namespace mdp::solvers
