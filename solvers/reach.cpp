#include "solvers/reach.hpp"

#include <algorithm>

#include "libmdp/bounds.hpp"
#include "solvers/collapsed.hpp"
#include "solvers/criterion_answer.hpp"

namespace mdp::solvers {
namespace {

using graph::Needs;
using graph::RowMask;
using graph::StateSet;

class Reach {
 public:
  Reach(const Mdp& mdp, const CriterionOptions& options, std::span<const double> given)
      : mdp_(mdp),
        options_(options),
        given_(given),
        run_(options_.solve),
        maximize_(mdp.objective() == Objective::maximize),
        into_(mdp),
        goal_(graph::goal_states(mdp)),
        usable_(at(mdp.n_rows()), 1) {
    result_.criterion = Criterion::reach;
    result_.method = "graph";
    result_.policy.assign(at(mdp.n_states()), 0);
  }

  CriterionResult operator()() {
    find_certain_states();
    solve_between();
    judge(result_, resolve_accuracy(options_.solve, 1.0), run_.stopped(), options_.solve.level);
    close(result_, run_);
    return std::move(result_);
  }

 private:
  // Probability 0 and 1, with rows that prove it.
  void find_certain_states() {
    if (maximize_) {
      const StateSet possible = graph::backward_closure(mdp_, into_, goal_, usable_, Needs::any, Needs::any);
      zero_ = graph::complement(possible);
      one_ = graph::almost_surely_reaching(mdp_, into_, goal_, possible, usable_);
      const RowMask inside = rows_inside(mdp_, one_, usable_);
      take_rows(mdp_, graph::rows_towards(mdp_, into_, goal_, inside), result_.policy);
    } else {
      zero_ = graph::complement(graph::backward_closure(mdp_, into_, goal_, usable_, Needs::all, Needs::any));
      RowMask outside_goal = rows_of(mdp_, graph::complement(goal_), usable_);
      one_ = graph::complement(graph::backward_closure(mdp_, into_, zero_, outside_goal, Needs::any, Needs::any));
      take_lowest_rows(mdp_, zero_, rows_inside(mdp_, zero_, usable_), result_.policy);
    }
  }

  // The states between: the cost of a row is (minus, when maximising) the probability of entering `one_`.
  void solve_between() {
    Collapse collapse;
    collapse.open.resize(goal_.size());
    for (std::size_t s = 0; s < goal_.size(); ++s) collapse.open[s] = zero_[s] == 0 && one_[s] == 0 ? 1 : 0;
    collapse.usable = rows_of(mdp_, collapse.open, usable_);
    if (maximize_) {
      collapse.inside = rows_inside(mdp_, collapse.open, collapse.usable);
      collapse.component = graph::maximal_end_components(mdp_, collapse.inside);
    }
    std::vector<TwoDouble> cost = graph::mass_into(mdp_, one_);
    if (maximize_) {
      for (TwoDouble& c : cost) c = -c;
    }
    collapse.cost = cost;
    collapse.entry_error = options_.uncertainty.probability;
    collapse.accuracy = resolve_accuracy(options_.solve, 1.0);
    collapse.given = given_;
    const CollapsedAnswer between = solve_collapsed(mdp_, into_, collapse, run_, result_.policy);
    say_how(result_, between);
    keep_iterate(result_, between);
    const double certain = maximize_ ? -1.0 : 1.0;
    for (std::size_t s = 0; s < goal_.size(); ++s) {
      double lower = one_[s] != 0 ? certain : 0.0;
      double upper = lower;
      if (collapse.open[s] != 0) {  // strictly between 0 and 1, whatever the numbers say
        const bool known = between.end != AbsorbingEnd::failed;
        lower = std::max(std::min(certain, 0.0), known ? outward_lower(between.value[s], between.below[s]) : -1.0);
        upper = std::min(std::max(certain, 0.0), known ? outward_upper(between.value[s], between.above[s]) : 1.0);
      }
      result_.value_lower.push_back(lower);
      result_.value_upper.push_back(upper);
    }
  }

  const Mdp& mdp_;
  const CriterionOptions& options_;
  std::span<const double> given_;  // to be enclosed; empty = solve
  Run run_;
  bool maximize_;
  graph::PredecessorsWhenNeeded into_;
  StateSet goal_;
  RowMask usable_;
  StateSet zero_, one_;
  CriterionResult result_;
};

}  // namespace

CriterionResult solve_reach(const Mdp& mdp, const CriterionOptions& options, std::span<const double> given) {
  require_valid(mdp, options);
  return Reach(mdp, options, given)();
}

}  // namespace mdp::solvers
