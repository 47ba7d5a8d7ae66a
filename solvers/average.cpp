#include "solvers/average.hpp"

#include <algorithm>
#include <utility>

#include "solvers/bias.hpp"
#include "solvers/collapsed.hpp"
#include "solvers/component_gain.hpp"
#include "solvers/component_models.hpp"
#include "solvers/criterion_answer.hpp"
#include "solvers/end_components.hpp"
#include "solvers/gaps.hpp"

namespace mdp::solvers {
namespace {

class Average {
 public:
  Average(const Mdp& mdp, const CriterionOptions& options, std::span<const double> given)
      : mdp_(mdp),
        options_(options),
        given_(given),
        run_(options_.solve),
        into_(mdp),
        live_(live_part(mdp)),
        ends_(signed_components(mdp, live_.rows)) {
    result_.criterion = Criterion::average;
    result_.method = "graph";
    result_.policy.assign(at(mdp.n_states()), 0);
  }

  CriterionResult operator()() {
    solve_components();
    choose_component();
    judge(result_, resolve_accuracy(options_.solve, mdp_.max_abs_cost()), run_.stopped(), options_.solve.level);
    result_.gain = std::move(result_.values);
    result_.gain_lower = std::move(result_.value_lower);
    result_.gain_upper = std::move(result_.value_upper);
    result_.values.clear();
    result_.value_lower.clear();
    result_.value_upper.clear();
    result_.bias = bias_of(mdp_, live_.states, result_.policy);
    close(result_, run_);
    return std::move(result_);
  }

 private:
  // The gain of staying in each component for ever, and the rows that attain it.
  void solve_components() {
    rows_.assign(at(mdp_.n_states()), -1);
    const ComponentModels models(mdp_, ends_, options_.uncertainty);
    const Accuracy all = resolve_accuracy(options_.solve, mdp_.max_abs_cost());
    const Accuracy share{0.25 * all.absolute, 0.25 * all.relative};  // the choice among components has the rest
    for (State c = 0; c < ends_.component.count; ++c) {
      const ComponentGain gain = given_.empty() ? least_gain(models.part(c), share, run_) : enclosed_gain(models, c);
      least_gain_.emplace_back(gain.lower);
      greatest_gain_.emplace_back(gain.upper);
      const Middle mid = gain.lower == gain.upper ? Middle{gain.lower, 0.0} : middle(gain.lower, gain.upper);
      gain_.emplace_back(gain.good ? mid.value : 0.0);
      half_width_ = std::max(half_width_, gain.good ? mid.half_width : infinity);
      for (std::size_t i = 0; i < gain.rows.size(); ++i) {
        rows_[at(models.states(c)[i])] = models.part(c).origin[at(gain.rows[i])];
      }
    }
  }

  [[nodiscard]] ComponentGain enclosed_gain(const ComponentModels& models, State c) {
    std::vector<double> h;
    for (const State s : models.states(c)) h.push_back(given_[at(s)]);
    return gain_bounds(models.part(c), h, run_);
  }

  // Values given: staying is paid with either end of the component's gain interval. The least expected gain is monotone in
  // what staying costs, so the two answers enclose it; the policy is that of the upper one.
  void enclose_choice() {
    const CollapsedAnswer least = best_stay(least_gain_);
    const CollapsedAnswer greatest = best_stay(greatest_gain_);
    const bool known = least.end != AbsorbingEnd::failed && greatest.end != AbsorbingEnd::failed;
    for (std::size_t s = 0; s < rows_.size(); ++s) {
      const bool live = live_.states[s] != 0;
      result_.value_lower.push_back(!live   ? infinity
                                    : known ? outward_lower(least.value[s], least.below[s])
                                            : -infinity);
      result_.value_upper.push_back(live && known ? outward_upper(greatest.value[s], greatest.above[s]) : infinity);
    }
  }

  // The best expected gain: a total-cost problem on the quotient, paid on staying.
  void choose_component() {
    if (!given_.empty()) return enclose_choice();
    const CollapsedAnswer answer = best_stay(gain_);
    for (std::size_t s = 0; s < rows_.size(); ++s) {
      const bool known = answer.end != AbsorbingEnd::failed;
      double lower = live_.states[s] == 0 ? infinity : -infinity;
      double upper = infinity;
      if (live_.states[s] != 0 && known) {
        lower = outward_lower(answer.value[s], answer.below[s] + half_width_ * (1.0 + 4.0 * unit_roundoff));
        upper = outward_upper(answer.value[s], answer.above[s] + half_width_ * (1.0 + 4.0 * unit_roundoff));
      }
      result_.value_lower.push_back(lower);
      result_.value_upper.push_back(upper);
    }
  }

  // Solves the quotient for what staying in each component costs, and writes its policy.
  [[nodiscard]] CollapsedAnswer best_stay(const std::vector<TwoDouble>& stay_cost) {
    const std::vector<TwoDouble> free(at(mdp_.n_rows()));
    Collapse collapse;
    collapse.open = live_.states;
    collapse.usable = live_.rows;
    collapse.component = ends_.component;
    collapse.inside = ends_.inside;
    collapse.may_stay.assign(stay_cost.size(), 1);
    collapse.stay_cost = stay_cost;
    collapse.cost = free;
    collapse.entry_error = options_.uncertainty.probability;
    collapse.accuracy = resolve_accuracy(options_.solve, mdp_.max_abs_cost());
    CollapsedAnswer answer = solve_collapsed(mdp_, into_, collapse, run_, result_.policy);
    say_how(result_, answer);
    std::vector<Offset> stay = rows_;
    for (std::size_t s = 0; s < rows_.size(); ++s) {
      const State c = ends_.component.of_state[s];
      if (c < 0 || (answer.end != AbsorbingEnd::failed && answer.leaves[at(c)] != 0)) stay[s] = -1;
    }
    take_rows(mdp_, stay, result_.policy);
    return answer;
  }

  const Mdp& mdp_;
  const CriterionOptions& options_;
  std::span<const double> given_;  // to be enclosed; empty = solve
  Run run_;
  graph::PredecessorsWhenNeeded into_;
  Live live_;
  SignedComponents ends_;
  std::vector<TwoDouble> gain_;                        // [components] a value inside the next two
  std::vector<TwoDouble> least_gain_, greatest_gain_;  // [components]
  double half_width_ = 0.0;
  std::vector<Offset> rows_;  // [n_states] within its component, -1 = none
  CriterionResult result_;
};

}  // namespace

CriterionResult solve_average(const Mdp& mdp, const CriterionOptions& options, std::span<const double> given) {
  require_valid(mdp, options);
  return Average(mdp, options, given)();
}

}  // namespace mdp::solvers
