// Least cost until the goal, exactly; see solvers/goal.hpp for the rules.
#include "solvers/end_components.hpp"
#include "solvers/exact/exact_criteria.hpp"
#include "solvers/exact/exact_gain.hpp"
#include "solvers/infinite_values.hpp"

namespace mdp::solvers {
namespace {

using graph::Needs;
using graph::RowMask;
using graph::StateSet;
using graph::without;

class ExactGoal {
 public:
  ExactGoal(ExactContext& context, ExactAnswer& answer)
      : context_(context),
        answer_(answer),
        m_(context.structure()),
        into_(m_),
        goal_(graph::goal_states(m_)),
        live_(live_part(m_)),
        cost_(costs_of(context.model())) {}

  void operator()() {
    answer_.value.assign(context_.n_states(), Extended::infinity(1));
    for (std::size_t s = 0; s < goal_.size(); ++s) {
      if (goal_[s] != 0) answer_.value[s] = Extended();
    }
    answer_.potential.resize(context_.n_states());
    const bool nobody_misses =
        context_.options().criterion.improper == Improper::infinite && m_.objective() == Objective::maximize;
    if (!(nobody_misses ? solve_where_nobody_misses() : solve_among_proper()) || answer_.error > 0) return;
    answer_.q = exact_q(context_.model(), 1, answer_.value);
    answer_.optimal = tied_rows(context_.model(), answer_.q, answer_.value);
    const Policy unbounded_rows = answer_.policy;
    take_lowest_rows(m_, StateSet(goal_.size(), 1), answer_.optimal, answer_.policy);
    for (std::size_t s = 0; s < goal_.size(); ++s) {
      if (answer_.value[s].infinite < 0) answer_.policy[s] = unbounded_rows[s];
    }
    take_tied_rows(m_, open_, goal_, answer_.optimal, answer_.policy);
  }

 private:
  void set_unbounded(const StateSet& states) {
    for (std::size_t s = 0; s < states.size(); ++s) {
      if (states[s] != 0) answer_.value[s] = Extended::infinity(-1);
    }
  }

  // +inf in a maximising file for a policy that may miss: so where one can, it does.
  bool solve_where_nobody_misses() {
    MissedGoal missed = miss_goal(m_, into_, goal_, live_, answer_.policy);
    set_unbounded(missed.may_miss);
    answer_.in_loop = missed.avoid;
    open_ = missed.rest.open;
    ExactCollapse problem;
    problem.graph = std::move(missed.rest);
    problem.cost = cost_;
    return solve(problem);
  }

  bool solve_among_proper() {
    const StateSet possible = graph::backward_closure(m_, into_, goal_, live_.rows, Needs::any, Needs::any);
    const StateSet proper = graph::almost_surely_reaching(m_, into_, goal_, possible, live_.rows);
    RowMask into_proper = live_.rows;
    graph::keep_rows_inside(m_, proper, into_proper);
    const RowMask kept = rows_of(m_, without(proper, goal_), into_proper);
    const auto ends = signed_components(m_, rows_inside(m_, without(proper, goal_), into_proper));
    StateSet losing(goal_.size(), 0);
    if (!classify_cycles(ends, losing)) return false;
    const StateSet unbounded = graph::backward_closure(m_, into_, losing, kept, Needs::any, Needs::any);
    set_unbounded(unbounded);
    answer_.in_loop = losing;
    take_rows(m_, graph::rows_towards(m_, into_, losing, kept), answer_.policy);
    answer_.proper_policy = answer_.policy;
    take_rows(m_, graph::rows_towards(m_, into_, goal_, kept), answer_.proper_policy);

    ExactCollapse problem;
    open_ = without(without(proper, goal_), unbounded);
    problem.graph.open = open_;
    problem.graph.usable = rows_of(m_, open_, kept);
    shape_costs(losing);
    problem.graph.inside = rows_inside(m_, open_, problem.graph.usable);
    for (std::size_t row = 0; row < cost_.size(); ++row) {
      if (cost_[row] != 0) problem.graph.inside[row] = 0;
    }
    problem.graph.component = graph::maximal_end_components(m_, problem.graph.inside);
    problem.cost = cost_;
    return solve(problem);
  }

  // End components where a cost < 0 can be paid: of gain < 0 there is no least cost; of gain 0 the potential h makes costs
  // c + Ph - h >= 0, which are 0 on the cycles of mean cost 0.
  bool classify_cycles(const SignedComponents& ends, StateSet& losing) {
    const StateSet mixed = states_of(ends.component, ends.has_negative);
    const RowMask rows = rows_of(m_, mixed, ends.inside);
    ExactGain gain = least_exact_gain(context_, mixed, rows, usable_start(context_, mixed, rows));
    if (context_.unfinished(gain.end, gain.size, answer_)) return false;
    answer_.potential = std::move(gain.potential);
    std::vector<Offset> losing_rows(goal_.size(), -1);
    for (std::size_t s = 0; s < goal_.size(); ++s) {
      if (mixed[s] != 0 && gain.gain[s] < 0) {
        losing[s] = 1;
        losing_rows[s] = gain.rows[s];
      }
      if (gain.gain[s] > 0) answer_.potential[s] = 0;
    }
    take_rows(m_, losing_rows, answer_.policy);
    return true;
  }

  // Costs seen through the potential of the cycles of mean cost 0.
  void shape_costs(const StateSet& losing) {
    shape_ = answer_.potential;
    for (std::size_t s = 0; s < shape_.size(); ++s) {
      if (losing[s] != 0) shape_[s] = 0;
    }
    for (std::size_t s = 0; s < shape_.size(); ++s) {
      for (Offset row = context_.model().state_rows[s]; row < context_.model().state_rows[s + 1]; ++row) {
        cost_[at(row)] = expectation(cost_[at(row)] - shape_[s], context_.model().rows[at(row)].to, shape_);
      }
    }
  }

  bool solve(const ExactCollapse& problem) {
    ExactCollapsed solved = solve_exact_collapsed(context_, problem);
    if (context_.unfinished(solved.end, solved.size, answer_)) return false;
    answer_.error = solved.error;
    for (std::size_t s = 0; s < goal_.size(); ++s) {
      if (open_[s] == 0) continue;
      answer_.value[s] = shape_.empty() ? solved.value[s] : mpq_class(solved.value[s] + shape_[s]);
    }
    return true;
  }

  ExactContext& context_;
  ExactAnswer& answer_;
  const Mdp& m_;
  graph::PredecessorsWhenNeeded into_;
  StateSet goal_;
  Live live_;
  std::vector<mpq_class> cost_;
  std::vector<mpq_class> shape_;
  StateSet open_;
};

}  // namespace

void solve_exact_goal(ExactContext& context, ExactAnswer& answer) { ExactGoal(context, answer)(); }

}  // namespace mdp::solvers
