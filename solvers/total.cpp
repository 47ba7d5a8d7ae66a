#include "solvers/total.hpp"

#include "solvers/collapsed.hpp"
#include "solvers/criterion_answer.hpp"
#include "solvers/end_components.hpp"
#include "solvers/infinite_values.hpp"

namespace mdp::solvers {
namespace {

using graph::Needs;
using graph::RowMask;
using graph::StateSet;

class Total {
 public:
  Total(const Mdp& mdp, const CriterionOptions& options, std::span<const double> given)
      : mdp_(mdp),
        options_(options),
        given_(given),
        run_(options_.solve),
        into_(mdp),
        live_(live_part(mdp)),
        ends_(signed_components(mdp, live_.rows)) {
    result_.criterion = Criterion::total;
    result_.method = "graph";
    result_.policy.assign(at(mdp.n_states()), 0);
    result_.value_lower.assign(at(mdp.n_states()), infinity);
    result_.value_upper.assign(at(mdp.n_states()), infinity);
  }

  CriterionResult operator()() {
    take_lowest_rows(mdp_, live_.states, live_.rows, result_.policy);
    const StateSet gains = states_of(ends_.component, ends_.has_negative);
    const StateSet pays = states_of(ends_.component, ends_.has_positive);
    const StateSet may_gain = reaching(gains);
    const StateSet may_pay = reaching(pays);
    take_gains(gains, may_gain);
    solve_finite(graph::complement(may_gain));
    StateSet undefined = may_gain;
    for (std::size_t s = 0; s < undefined.size(); ++s) {
      if (may_gain[s] != 0 && may_pay[s] == 0) set_value(s, -infinity, -infinity);
      undefined[s] = may_gain[s] != 0 && may_pay[s] != 0 ? 1 : 0;
      if (undefined[s] != 0) set_value(s, -infinity, infinity);
    }
    judge(result_, resolve_accuracy(options_.solve, mdp_.max_abs_cost()), run_.stopped(), options_.solve.level);
    if (graph::count(undefined) > 0) {
      UndefinedTotal told = undefined_total(mdp_, undefined, pays, gains, live_.rows);
      result_.status = Status::undefined;
      result_.witness = std::move(told.witness);
      result_.message = std::move(told.message);
    }
    close(result_, run_);
    return std::move(result_);
  }

 private:
  [[nodiscard]] StateSet reaching(StateSet target) const {
    return graph::backward_closure(mdp_, into_, std::move(target), live_.rows, Needs::any, Needs::any);
  }
  void set_value(std::size_t s, double lower, double upper) {
    result_.value_lower[s] = lower;
    result_.value_upper[s] = upper;
  }

  // A policy that reaches a component with costs < 0 and pays one of them again and again, moving towards it.
  void take_gains(const StateSet& gains, const StateSet& may_gain) {
    take_rows(mdp_, graph::rows_towards(mdp_, into_, gains, rows_of(mdp_, may_gain, live_.rows)), result_.policy);
    StateSet doors(gains.size(), 0);
    for (State s = 0; s < mdp_.n_states(); ++s) {
      if (gains[at(s)] == 0) continue;
      for (Offset row = mdp_.state_rows()[at(s)]; row < mdp_.state_rows()[at(s) + 1] && doors[at(s)] == 0; ++row) {
        if (ends_.inside[at(row)] == 0 || !(mdp_.cost()[at(row)] < 0.0)) continue;
        doors[at(s)] = 1;
        result_.policy[at(s)] = static_cast<Action>(row - mdp_.state_rows()[at(s)]);
      }
    }
    auto towards = graph::rows_towards(mdp_, into_, doors, ends_.inside);
    for (std::size_t s = 0; s < towards.size(); ++s) {
      if (gains[s] == 0) towards[s] = -1;
    }
    take_rows(mdp_, towards, result_.policy);
  }

  // Where no cost < 0 can be paid for ever: the least cost until a cost-free component is entered for ever.
  void solve_finite(const StateSet& no_gain) {
    Collapse collapse = until_free(mdp_, into_, no_gain, live_);
    collapse.entry_error = options_.uncertainty.probability;
    collapse.accuracy = resolve_accuracy(options_.solve, mdp_.max_abs_cost());
    collapse.given = given_;
    collapse.cost_error = options_.uncertainty.cost;
    const CollapsedAnswer answer = solve_collapsed(mdp_, into_, collapse, run_, result_.policy);
    say_how(result_, answer);
    keep_iterate(result_, answer);
    for (std::size_t s = 0; s < no_gain.size(); ++s) {
      if (collapse.open[s] == 0) continue;
      if (answer.end == AbsorbingEnd::failed) {
        set_value(s, -infinity, infinity);
      } else {
        set_value(s, outward_lower(answer.value[s], answer.below[s]), outward_upper(answer.value[s], answer.above[s]));
      }
    }
  }

  const Mdp& mdp_;
  const CriterionOptions& options_;
  std::span<const double> given_;  // to be enclosed; empty = solve
  Run run_;
  graph::PredecessorsWhenNeeded into_;
  Live live_;
  SignedComponents ends_;
  CriterionResult result_;
};

}  // namespace

CriterionResult solve_total(const Mdp& mdp, const CriterionOptions& options, std::span<const double> given) {
  require_valid(mdp, options);
  return Total(mdp, options, given)();
}

}  // namespace mdp::solvers
