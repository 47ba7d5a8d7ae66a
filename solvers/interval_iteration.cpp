#include "solvers/interval_iteration.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/kernels/interval_sweep.hpp"
#include "libmdp/policy.hpp"
#include "solvers/goal_enclosure.hpp"

namespace mdp::solvers {
namespace {

constexpr int most_starts = 64;  // steps of modified policy iteration until both sides have a bound
constexpr int patience = 50;     // sweeps without progress: rounding is all that is left
constexpr int verifying = 20;    // sweeps that may verify a guess

class IntervalIteration {
 public:
  IntervalIteration(const GoalProblem& problem, IntervalMethod method, Run& run)
      : problem_(problem), method_(method), run_(run), it_(problem), first_(it_.policy) {}

  AbsorbingAnswer operator()() {
    if (!start()) return {};
    const auto order = std::span<const State>(problem_.start.order);
    if (method_ == IntervalMethod::elimination) active_.assign(at(problem_.mdp.n_rows()), 1);
    double guess_at = 0.0;
    int idle = 0;
    while (idle < patience && width() > 1.0 && run_.may_sweep()) {
      const auto before = widest_;
      const double change = kernels::interval_sweep(problem_.mdp, order, sweep_of(lower_, upper_));
      widest_ = widest();
      run_.count_sweep({-change, change}, 0.5 * widest_);
      if (change == 0.0) break;
      idle = widest_ < before ? 0 : idle + 1;
      if (method_ == IntervalMethod::optimistic) guess(change, guess_at);
    }
    return answer();
  }

 private:
  [[nodiscard]] kernels::IntervalSweep sweep_of(std::span<double> lower, std::span<double> upper) {
    double size = 0.0;
    for (const State s : problem_.start.order) {
      size = std::max({size, std::abs(lower[at(s)]), std::abs(upper[at(s)])});
    }
    kernels::IntervalSweep sweep{lower, upper, active_};
    sweep.error = bounds::round_up(bounds::sweep_error(problem_.mdp, size) + problem_.uncertainty.of_q(size));
    sweep.relative = bounds::rounding(problem_.mdp.max_row_length() + 1) +
                     problem_.mdp.entry_error().probability * (1.0 + 0x1p-40) + problem_.uncertainty.probability;
    return sweep;
  }

  // First bounds on both sides.
  bool start() {
    const auto step = policy_step(true);
    step->begin(it_, false, run_);
    bool free_of_gains = true;
    for (const double c : problem_.mdp.cost()) free_of_gains = free_of_gains && !(c < 0.0);
    for (int k = 0; k < most_starts; ++k) {
      it_.residual = kernels::bellman_sweep(problem_.mdp, it_.v, it_.tv, it_.policy, run_.threads());
      const std::vector<TwoDouble> around(it_.v.begin(), it_.v.end());
      const auto found = enclose_until_goal(problem_.mdp, around, k == 0 ? first_ : it_.policy, it_.chain,
                                            problem_.uncertainty, run_.threads(), run_.with_grace());
      if (upper_.empty() && !found.above.empty()) set(upper_, found.above, 1.0);
      if (free_of_gains)
        lower_.assign(it_.v.size(), 0.0);
      else if (!found.below.empty())
        set(lower_, found.below, -1.0);
      if (!upper_.empty() && !lower_.empty()) break;
      if (run_.out_of_time()) break;
      step->advance(it_, run_);
    }
    if (upper_.empty()) return false;
    if (lower_.empty()) lower_.assign(it_.v.size(), -infinity);
    for (const State s : problem_.mdp.goal()) lower_[at(s)] = upper_[at(s)] = 0.0;
    widest_ = widest();
    return true;
  }

  void set(std::vector<double>& side, const std::vector<double>& distance, double sign) {
    side = distance;
    for (std::size_t s = 0; s < side.size(); ++s) {
      side[s] = sign > 0.0 ? bounds::round_up(it_.v[s] + side[s]) : bounds::round_down(it_.v[s] - side[s]);
    }
  }

  [[nodiscard]] double widest() const {
    double largest = 0.0;
    for (const State s : problem_.start.order) largest = std::max(largest, upper_[at(s)] - lower_[at(s)]);
    return largest;
  }

  // Half-width over what is allowed, the largest over the states.
  [[nodiscard]] double width() const {
    double largest = 0.0;
    for (const State s : problem_.start.order) {
      const double half = 0.5 * (upper_[at(s)] - lower_[at(s)]) + 4.0 * unit_roundoff * std::abs(upper_[at(s)]);
      const double middle = 0.5 * lower_[at(s)] + 0.5 * upper_[at(s)];
      largest = std::max(largest, half == 0.0 ? 0.0 : half / problem_.accuracy.at(middle));
    }
    return largest;
  }

  // u = lower + what is asked, kept if sweeps lower it everywhere.
  void guess(double change, double& next) {
    if (next == 0.0) next = infinity;
    double asked = infinity;
    for (const State s : problem_.start.order) asked = std::min(asked, problem_.accuracy.at(lower_[at(s)]));
    if (change > std::min(next, asked)) return;
    next = 0.25 * change;
    std::vector<double> u = lower_;
    for (const State s : problem_.start.order) u[at(s)] += 1.5 * problem_.accuracy.at(lower_[at(s)]);
    const std::vector<double> guessed = u;
    for (int k = 0; k < verifying && run_.may_sweep(); ++k) {
      it_.residual = kernels::bellman_sweep(problem_.mdp, u, it_.tv, it_.policy, run_.threads());
      run_.count_sweep(it_.residual, 0.5 * widest_);
      const double error = sweep_of(lower_, u).error;
      const auto& order = problem_.start.order;
      if (std::all_of(order.begin(), order.end(), [&](State s) { return it_.tv[at(s)] + error <= u[at(s)]; })) {
        for (const State s : order) upper_[at(s)] = std::min(upper_[at(s)], u[at(s)]);
        widest_ = widest();
        return;
      }
      for (const State s : order) u[at(s)] = std::min(u[at(s)], it_.tv[at(s)] + error);
      if (std::any_of(order.begin(), order.end(), [&](State s) { return u[at(s)] < lower_[at(s)]; })) return;
    }
  }

  AbsorbingAnswer answer() {
    AbsorbingAnswer a;
    it_.residual = kernels::bellman_sweep(problem_.mdp, upper_, it_.tv, it_.policy, run_.threads());
    a.value.assign(upper_.begin(), upper_.end());
    GoalEnclosure found;
    for (const auto* policy : {&it_.policy, &first_}) {
      found = enclose_until_goal(problem_.mdp, a.value, *policy, it_.chain, problem_.uncertainty, run_.threads(),
                                 run_.with_grace());
      if (found.above.empty()) continue;
      for (State s = 0; s < problem_.mdp.n_states(); ++s) a.rows.push_back(selected_row(problem_.mdp, *policy, s));
      break;
    }
    if (found.above.empty()) return {};
    a.above = std::move(found.above);
    a.below = std::move(found.below);
    bool bounded = true;
    if (a.below.empty()) a.below.assign(upper_.size(), infinity);
    for (std::size_t s = 0; s < upper_.size(); ++s) {
      a.below[s] = std::min(a.below[s], bounds::round_up(upper_[s] - lower_[s]));
      bounded = bounded && a.below[s] < infinity;
    }
    a.end = bounded                             ? AbsorbingEnd::enclosed
            : run_.stopped() != Status::not_run ? AbsorbingEnd::stopped
                                                : AbsorbingEnd::imprecise;
    return a;
  }

  const GoalProblem& problem_;
  IntervalMethod method_;
  Run& run_;
  GoalIterate it_;
  Policy first_;
  std::vector<double> lower_, upper_;
  std::vector<char> active_;
  double widest_ = infinity;
};

}  // namespace

AbsorbingAnswer interval_iteration(const GoalProblem& problem, IntervalMethod method, Run& run) {
  return IntervalIteration(problem, method, run)();
}

}  // namespace mdp::solvers
