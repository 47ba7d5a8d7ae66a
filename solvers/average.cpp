#include "solvers/average.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "solvers/bias.hpp"
#include "solvers/collapsed.hpp"
#include "solvers/component_gain.hpp"
#include "solvers/component_models.hpp"
#include "solvers/criterion_answer.hpp"
#include "solvers/end_components.hpp"
#include "solvers/gain_iteration.hpp"
#include "solvers/gaps.hpp"

namespace mdp::solvers {
namespace {

// Components of more states are not copied as reduced MDPs.
constexpr State most_reduced = 2000;

class Average {
 public:
  Average(const Mdp& mdp, const CriterionOptions& options, std::span<const double> given)
      : mdp_(mdp),
        options_(options),
        given_(given),
        solve_(without_start(options.solve)),
        start_(options.solve.start),
        accuracy_(resolve_accuracy(options.solve, mdp.max_abs_cost())),
        run_(solve_),
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
    judge(result_, accuracy_, run_.stopped(), options_.solve.level);
    result_.gain = std::move(result_.values);
    result_.gain_lower = std::move(result_.value_lower);
    result_.gain_upper = std::move(result_.value_upper);
    result_.values.clear();
    result_.value_lower.clear();
    result_.value_upper.clear();
    take_bias();
    close(result_, run_);
    return std::move(result_);
  }

 private:
  // Relative values are no start for the choice among components, where values are gains.
  static SolveOptions without_start(SolveOptions solve) {
    solve.start.clear();
    return solve;
  }

  void take_bias() {
    Bias bias = bias_of(mdp_, live_.states, result_.policy, options_.uncertainty, accuracy_, run_, result_.iterate);
    result_.bias = std::move(bias.value);
    if (options_.solve.level == Level::approximate) return;
    result_.bias_lower = std::move(bias.lower);
    result_.bias_upper = std::move(bias.upper);
  }

  // The gain of staying in each component for ever, and the rows that attain it.
  void solve_components() {
    rows_.assign(at(mdp_.n_states()), -1);
    ComponentModels models(mdp_, ends_, options_.uncertainty, most_reduced);
    // The choice among components has the rest.
    const Accuracy share{0.25 * accuracy_.absolute, 0.25 * accuracy_.relative};
    result_.iterate.assign(at(mdp_.n_states()), 0.0);
    for (State c = 0; c < ends_.component.count; ++c) {
      const ComponentGain gain = gain_of(models, c, share);
      least_gain_.emplace_back(gain.lower);
      greatest_gain_.emplace_back(gain.upper);
      const Middle mid = gain.lower == gain.upper ? Middle{gain.lower, 0.0} : middle(gain.lower, gain.upper);
      gain_.emplace_back(gain.good ? mid.value : 0.0);
      half_width_ = std::max(half_width_, gain.good ? mid.half_width : infinity);
      for (std::size_t i = 0; i < gain.relative_value.size(); ++i) {
        result_.iterate[at(models.states(c)[i])] = gain.relative_value[i].value();
      }
      for (std::size_t i = 0; i < gain.rows.size(); ++i) {
        rows_[at(models.states(c)[i])] = gain.rows[i];
      }
    }
  }

  // The gain of a component, its rows those of the MDP.
  [[nodiscard]] ComponentGain gain_of(ComponentModels& models, State c, const Accuracy& share) {
    const bool large = models.states(c).size() > at(most_reduced);
    const std::vector<double> start = of_component(given_.empty() ? start_ : given_, models, c);
    const bool iterates =
        run_.options().method == Method::automatic || run_.options().method == Method::policy_iteration;
    if (!given_.empty() && (large || !elimination_pays(models.part(c)))) {
      const auto closed = models.closed(c);
      return of_mdp(gain_around(closed.mdp, start, options_.uncertainty, run_.threads()), closed);
    }
    if (given_.empty() && iterates && (large || !elimination_pays(models.part(c)))) {
      const auto closed = models.closed(c);
      IteratedGain found = iterate_gain(closed.mdp, share, options_.uncertainty, run_, start);
      result_.method = found.method;
      const Middle mid = middle(found.lower, found.upper);
      const bool good = found.lower == found.upper || mid.half_width <= share.at(mid.value);
      if (good || run_.stopped() != Status::not_run || !elimination_pays(models.part(c))) {
        return of_mdp(std::move(found), closed);
      }
    }
    const graph::ReducedMdp& part = models.part(c);
    ComponentGain gain = given_.empty() ? least_gain(part, share, run_, start) : gain_bounds(part, start, run_);
    for (Offset& row : gain.rows) row = part.origin[at(row)];
    return gain;
  }

  [[nodiscard]] static ComponentGain of_mdp(IteratedGain found, const ClosedPart& closed) {
    ComponentGain gain;
    gain.good = std::isfinite(found.lower) && std::isfinite(found.upper);
    gain.lower = found.lower;
    gain.upper = found.upper;
    gain.gap_error = found.gap_error;
    gain.relative_value = std::move(found.relative_value);
    for (State s = 0; s < closed.mdp.n_states(); ++s) {
      gain.rows.push_back(closed.row_of(selected_row(closed.mdp, found.policy, s)));
    }
    return gain;
  }

  // Entries of the states of a component; empty where there are none, or some are not finite.
  [[nodiscard]] static std::vector<double> of_component(std::span<const double> values, const ComponentModels& models,
                                                        State c) {
    std::vector<double> own;
    if (values.empty()) return own;
    for (const State s : models.states(c)) {
      if (!std::isfinite(values[at(s)])) return {};
      own.push_back(values[at(s)]);
    }
    return own;
  }

  // Staying is paid with either end of the component's gain interval. The least expected gain is monotone in what staying
  // costs, so the two answers enclose it; the policy is that of the upper one.
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

  // Every live state in one component: nothing to choose.
  [[nodiscard]] bool stays_everywhere() const {
    if (ends_.component.count != 1) return false;
    for (std::size_t s = 0; s < rows_.size(); ++s) {
      if (live_.states[s] != 0 && ends_.component.of_state[s] < 0) return false;
    }
    return true;
  }
  void stay_everywhere() {
    for (std::size_t s = 0; s < rows_.size(); ++s) {
      result_.value_lower.push_back(live_.states[s] != 0 ? least_gain_[0].hi : infinity);
      result_.value_upper.push_back(live_.states[s] != 0 ? greatest_gain_[0].hi : infinity);
    }
    take_rows(mdp_, rows_, result_.policy);
  }

  // The best expected gain: a total-cost problem on the quotient, paid on staying.
  void choose_component() {
    if (stays_everywhere()) return stay_everywhere();
    if (!given_.empty()) return enclose_choice();
    const CollapsedAnswer answer = best_stay(gain_);
    bool narrow = true;
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
      narrow = narrow && (lower == upper || 0.5 * upper - 0.5 * lower <= accuracy_.at(lower));
    }
    // One half-width for all was too much for some: each component with its own.
    if (narrow || ends_.component.count < 2) return;
    const std::vector<double> lower = std::exchange(result_.value_lower, {});
    result_.value_upper.clear();
    enclose_choice();
    for (std::size_t s = 0; s < lower.size(); ++s) {
      result_.value_lower[s] = std::max(result_.value_lower[s], lower[s]);
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
    collapse.accuracy = accuracy_;
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
  SolveOptions solve_;
  std::span<const double> start_;  // relative values to start from, or empty
  Accuracy accuracy_;
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
