#include "solvers/goal_iteration.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/kernels/residual.hpp"
#include "libmdp/policy.hpp"
#include "libmdp/vectors.hpp"
#include "solvers/goal_enclosure.hpp"
#include "solvers/memory.hpp"

namespace mdp::solvers {
namespace {

class Iteration {
 public:
  Iteration(const GoalProblem& problem, GoalStep& step, Run& run)
      : problem_(problem), step_(step), run_(run), it_(problem), first_(it_.policy) {}

  AbsorbingAnswer operator()() {
    const bool warm = take_start();
    AbsorbingAnswer found = iterate(warm);
    if (warm && !is_done(found)) {
      // Values from elsewhere may lead astray: without them, then.
      it_.v.assign(it_.v.size(), 0.0);
      it_.policy = first_;
      found = iterate(false);
    }
    return sharpened(std::move(found));
  }

 private:
  [[nodiscard]] bool is_done(const AbsorbingAnswer& found) const {
    return run_.stopped() != Status::not_run || run_.stage_over() || excess_width(found, problem_.accuracy) <= 1.0;
  }

  // Where doubles end: values in twice the precision, from corrections.
  AbsorbingAnswer sharpened(AbsorbingAnswer found) {
    constexpr int most_corrections = 4;
    for (int k = 0; k < most_corrections && !found.value.empty() && !is_done(found); ++k) {
      AbsorbingAnswer closer = corrected(found);
      if (!(excess_width(closer, problem_.accuracy) < 0.5 * excess_width(found, problem_.accuracy))) break;
      found = std::move(closer);
    }
    return found;
  }

  // The gaps of all rows, in twice the precision, are the costs of a problem whose values are what is missing: along every cycle
  // they sum to the costs.
  AbsorbingAnswer corrected(const AbsorbingAnswer& found) {
    Buffer<double> gap(at(problem_.mdp.n_rows()));
    kernels::row_gaps(problem_.mdp, found.value, gap, run_.threads());
    leave_out_dear_rows(found, gap);
    const Mdp missing = problem_.mdp.with_cost(std::move(gap));
    double allowed = infinity;
    for (const State s : problem_.start.order) allowed = std::min(allowed, problem_.accuracy.at(found.value[at(s)].hi));
    const graph::Approach way{problem_.start.order, found.rows};
    const GoalProblem problem{missing, way, {0.25 * allowed, 0.0}, {}};
    Iteration correction(problem, step_, run_);
    const AbsorbingAnswer more = correction.iterate(false);
    if (more.value.empty()) return {};
    std::vector<TwoDouble> value = found.value;
    for (std::size_t s = 0; s < value.size(); ++s) value[s] = value[s] + more.value[s];
    return enclose(std::move(value), correction.it_.policy);
  }

  // What costs more than all that can be missing is not optimal. Large costs would hide the small ones in the rounding of sweeps.
  void leave_out_dear_rows(const AbsorbingAnswer& found, std::span<double> gap) const {
    const double missing = max_abs(found.above) + max_abs(found.below);
    for (State s = 0; s < problem_.mdp.n_states(); ++s) {
      for (Offset row = problem_.mdp.state_rows()[at(s)]; row < problem_.mdp.state_rows()[at(s) + 1]; ++row) {
        if (gap[at(row)] > 2.0 * missing && row != found.rows[at(s)]) gap[at(row)] = infinity;
      }
    }
  }

  AbsorbingAnswer iterate(bool warm) {
    step_.begin(it_, warm, run_);
    double target = 0.0;
    double least = infinity;
    for (int idle = 0; idle < step_.patience(); step_.advance(it_, run_)) {
      if (!sweep()) break;
      const double now = std::max(-it_.residual.min, it_.residual.max);
      if (!(now < infinity)) return {};
      idle = now < 0.99 * least ? 0 : idle + 1;
      least = std::min(least, now);
      const double noise = 2.0 * bounds::sweep_error(problem_.mdp, max_abs(it_.v));
      if (target == 0.0) target = first_target();
      if (now > std::max(target, noise)) continue;
      auto found = answer();
      const double excess = excess_width(found, problem_.accuracy);
      if (excess <= 1.0 || now <= noise || run_.stopped() != Status::not_run) return found;
      target = std::min(target, now) / (2.0 * excess);
    }
    return answer();
  }

  // Whether the caller gave values to start from. Values below 0 are no start where no cost is.
  bool take_start() {
    const auto values = problem_.values;
    if (values.empty()) return false;
    const auto cost = problem_.mdp.cost();
    const bool gains = std::any_of(cost.begin(), cost.end(), [](double c) { return c < 0.0; });
    for (const State s : problem_.start.order) {
      if (std::isfinite(values[at(s)])) it_.v[at(s)] = gains ? values[at(s)] : std::max(0.0, values[at(s)]);
    }
    return true;
  }

  // T v and its greedy policy; false if a limit was reached before.
  bool sweep() {
    if (!run_.may_sweep()) return false;
    it_.residual = kernels::bellman_sweep(problem_.mdp, it_.v, it_.tv, it_.policy, run_.threads());
    run_.count_traffic(problem_.mdp.n_transitions(), problem_.mdp.n_rows());
    run_.count_sweep(it_.residual, infinity);
    return run_.stopped() == Status::not_run;
  }

  // A residual that should do: errors are about the residual times the number of steps, about values over costs.
  [[nodiscard]] double first_target() const {
    const double size = max_abs(it_.v);
    const double cost = problem_.mdp.max_abs_cost();
    return problem_.accuracy.at(size) / std::max(2.0, cost > 0.0 ? 2.0 * size / cost : 0.0);
  }

  // Where no cost is below 0, neither is a value.
  [[nodiscard]] std::vector<double> below_at_least(const std::vector<TwoDouble>& v) const {
    for (const double c : problem_.mdp.cost()) {
      if (c < problem_.uncertainty.cost) return {};
    }
    std::vector<double> below;
    below.reserve(v.size());
    for (const TwoDouble x : v) below.push_back(std::max(0.0, x.lo > 0.0 ? bounds::round_up(x.hi) : x.hi));
    return below;
  }

  AbsorbingAnswer answer() { return enclose({it_.v.begin(), it_.v.end()}, it_.policy); }

  AbsorbingAnswer enclose(std::vector<TwoDouble> value, const Policy& greedy) {
    AbsorbingAnswer a;
    a.value = std::move(value);
    // The greedy policy, or, where it does not prove anything, the one that is known to reach the goal.
    for (const Policy* policy : {&greedy, &std::as_const(first_)}) {
      auto found = enclose_until_goal(problem_.mdp, a.value, *policy, it_.chain, problem_.uncertainty, run_.threads(),
                                      run_.with_grace(), memory_limit_of(run_.options()));
      if (a.below.empty()) a.below = std::move(found.below);
      if (found.above.empty()) continue;
      a.above = std::move(found.above);
      for (State s = 0; s < problem_.mdp.n_states(); ++s) a.rows.push_back(selected_row(problem_.mdp, *policy, s));
      break;
    }
    if (a.above.empty()) return {};
    if (a.below.empty()) a.below = below_at_least(a.value);
    a.end = !a.below.empty()                    ? AbsorbingEnd::enclosed
            : run_.stopped() != Status::not_run ? AbsorbingEnd::stopped
                                                : AbsorbingEnd::imprecise;
    if (a.below.empty()) a.below.assign(a.value.size(), infinity);
    return a;
  }

  const GoalProblem& problem_;
  GoalStep& step_;
  Run& run_;
  GoalIterate it_;
  Policy first_;
};

}  // namespace

GoalIterate::GoalIterate(const GoalProblem& p)
    : problem(p), v(at(p.mdp.n_states()), 0.0), tv(v.size(), 0.0), policy(v.size(), 0), chain(p.mdp, p.start.order) {
  for (const State s : p.start.order) {
    policy[at(s)] = static_cast<Action>(p.start.rows[at(s)] - p.mdp.state_rows()[at(s)]);
  }
  chain.assign(policy);  // so that every state has a row that leaves it, whatever is greedy later
}

AbsorbingAnswer iterate_until_goal(const GoalProblem& problem, GoalStep& step, Run& run) {
  return Iteration(problem, step, run)();
}

double excess_width(const AbsorbingAnswer& answer, const Accuracy& accuracy) {
  if (answer.end != AbsorbingEnd::enclosed) return infinity;
  double largest = 0.0;
  for (std::size_t s = 0; s < answer.value.size(); ++s) {
    const double width = 0.5 * (answer.below[s] + answer.above[s]);
    const double slack = 4.0 * unit_roundoff * std::abs(answer.value[s].hi);
    if (width > 0.0) largest = std::max(largest, (width + slack) / accuracy.at(answer.value[s].hi));
  }
  return largest;
}

}  // namespace mdp::solvers
