#include "solvers/discounted.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "libmdp/error.hpp"
#include "libmdp/graph/reachability.hpp"
#include "solvers/criterion_answer.hpp"
#include "solvers/discounted_elimination.hpp"
#include "solvers/enclosure.hpp"
#include "solvers/gaps.hpp"

namespace mdp::solvers {
namespace {

// What a value pays for the rounding of others, in its own units: beyond, elimination is worth its while.
constexpr double much_larger = 0x1p20;

// Whether values can be small otherwise than by costs of both signs that cancel, where nothing is gained: costs of one sign, or
// of very different size.
bool may_be_small(const Mdp& mdp) {
  const auto [least, most] = std::minmax_element(mdp.cost().begin(), mdp.cost().end());
  if (*least >= 0.0 || *most <= 0.0) return true;
  return std::any_of(mdp.cost().begin(), mdp.cost().end(), [largest = mdp.max_abs_cost()](double c) {
    return c != 0.0 && std::abs(c) * much_larger < largest;
  });
}

void require_valid_arguments(const Mdp& mdp, const SolveOptions& options) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  if (!(mdp.exact_discount().complement.hi > 0.0)) {
    throw InvalidArgument("discount = 1, required < 1 for the discounted criterion");
  }
  if (!options.start.empty() && options.start.size() != static_cast<std::size_t>(mdp.n_states())) {
    throw InvalidArgument(
        fmt::format("start has {} entries, required 0 or n_states = {}", options.start.size(), mdp.n_states()));
  }
}

// One solve: its phases in the order in which they run.
class Solve {
 public:
  Solve(const Mdp& mdp, const SolveOptions& options, const std::function<std::unique_ptr<Improver>()>& make,
        const EntryUncertainty& uncertainty, const CheckpointOptions& checkpoint)
      : mdp_(mdp),
        make_(make),
        checkpoint_(checkpoint),
        uncertainty_(uncertainty),
        certified_(options.level == Level::certified),
        accuracy_(resolve_accuracy(options, mdp.max_abs_cost())),
        run_(options),
        improver_(make()),
        finite_(graph::finite_value_states(mdp)),
        it_(Iterate::from(mdp, finite_, options.start, options.threads)) {}

  SolveResult operator()() {
    if (mdp_.max_abs_cost() == 0.0 && uncertainty_.cost == 0.0) {
      answer_zero();
    } else {
      const Outcome outcome = improve();
      if (certified_)
        certify(outcome);
      else
        estimate(outcome);
    }
    result_.method = improver_->name() + (eliminated_ ? ", then elimination" : "");
    result_.sweeps = run_.sweeps();
    result_.iterations = run_.iterations();
    result_.trace = run_.take_trace();
    result_.seconds = run_.seconds();
    if (result_.message.empty()) result_.message = explanation();
    if (!improver_->reason().empty()) result_.message += "; " + improver_->reason();
    return std::move(result_);
  }

 private:
  // In one go, or in stages with the state written between them.
  Outcome improve() {
    const Goal goal(accuracy_, certified_);
    const bool in_stages = !checkpoint_.save.empty() || !checkpoint_.resume.empty();
    if (!in_stages) return improver_->improve(mdp_, it_, run_, goal);
    const std::uint64_t identity = identity_of(mdp_, run_.options(), checkpoint_.sweeps_per_stage);
    if (!checkpoint_.resume.empty()) resume(read_checkpoint(checkpoint_.resume, identity));
    for (;;) {
      run_.end_stage_after(checkpoint_.sweeps_per_stage);
      const Outcome outcome = improver_->improve(mdp_, it_, run_, goal);
      if (outcome != Outcome::stopped || !run_.stage_over()) {
        run_.end_stage_after(Run::no_limit);
        return outcome;
      }
      const Checkpoint state{identity, run_.sweeps(), run_.iterations(), run_.bytes(), it_.v, it_.policy};
      if (!checkpoint_.save.empty()) write_checkpoint(checkpoint_.save, state);
      run_.mark_resumed();
      resume(state);
      improver_ = make_();
    }
  }

  // The iterate of a stage depends on V and the policy alone.
  void resume(const Checkpoint& state) {
    it_ = Iterate::from(mdp_, finite_, state.values, run_.threads());
    it_.policy = state.policy;
    run_.resume_from(state.sweeps, state.iterations, state.bytes);
  }

  // All finite costs are 0: V* = 0 where it is finite, and every row that stays there is optimal.
  void answer_zero() {
    Policy& policy = result_.policy;
    policy.resize(it_.v.size());
    kernels::bellman_sweep(mdp_, it_.v, it_.tv, policy, run_.threads());
    for (double& v : it_.tv) v = v < infinity ? 0.0 : infinity;
    result_.values = it_.tv;
    if (certified_) result_.value_lower = result_.value_upper = it_.tv;
    result_.level = certified_ ? Level::certified : Level::approximate;
    result_.value_error_bound = result_.policy_loss_bound = result_.residual_min = result_.residual_max = 0.0;
    result_.status = Status::converged;
    result_.message = "all finite costs are 0";
  }

  // Level approximate: the same test on the residual as computed.
  void estimate(Outcome outcome) {
    it_.policy.resize(it_.v.size());
    it_.residual = kernels::bellman_sweep(mdp_, it_.v, it_.tv, it_.policy, run_.threads());
    const Goal goal(accuracy_, false);
    const double half_width = goal.half_width(mdp_, it_);
    const bool accurate = outcome == Outcome::accurate || goal.reached(mdp_, it_, half_width);
    result_.level = Level::approximate;
    result_.values = extrapolated(mdp_, it_);
    result_.policy = it_.policy;
    result_.residual_min = it_.residual.min;
    result_.residual_max = it_.residual.max;
    result_.status = accurate ? Status::converged : stopped_or(Status::precision_limit);
  }

  void certify(Outcome outcome) {
    Enclosure best = enclose_iterate(outcome);
    if (!satisfied(best) || improver_->refines_always()) best = refine(std::move(best));
    if (!satisfied(best) && run_.stopped() != Status::not_run) narrow_by_start(best);
    if (!satisfied(best) && run_.stopped() == Status::not_run) narrow_by_elimination(best);
    result_.level = Level::certified;
    result_.status = satisfied(best) ? Status::converged : stopped_or(Status::precision_limit);
    prefer_zero(best);
    result_.values = std::move(best.values);
    result_.value_lower = std::move(best.lower);
    result_.value_upper = std::move(best.upper);
    result_.policy = std::move(best.policy);
    result_.value_error_bound = best.half_width;
    result_.policy_loss_bound = best.policy_loss_bound;
    result_.residual_min = best.residual_min;
    result_.residual_max = best.residual_max;
  }

  // The last sweep of a method that reached the goal is one of V.
  Enclosure enclose_iterate(Outcome outcome) {
    if (outcome == Outcome::accurate) {
      auto swept = enclose_swept(mdp_, finite_, {std::move(it_.tv), std::move(it_.policy), it_.residual, it_.size},
                                 run_.threads(), uncertainty_);
      if (swept) return std::move(*swept);
    }
    return enclose(mdp_, it_.v, run_.threads(), uncertainty_);
  }

  // C2: V + the solution of the correction problem, residual in twice the precision, until the test holds or the
  // bounds stop shrinking.
  Enclosure refine(Enclosure best) {
    constexpr int max_rounds = 40;
    if (!(best.half_width < infinity)) return best;
    std::vector<TwoDouble> v(best.values.begin(), best.values.end());
    double width = infinity;
    for (int round = 0; round < max_rounds; ++round) {
      const Gaps gaps = row_gaps(mdp_, finite_, v, run_.threads(), uncertainty_);
      const double new_width = gaps.increment.upper - gaps.increment.lower;
      const double largest = std::max(std::abs(gaps.increment.upper), std::abs(gaps.increment.lower));
      if (!(largest < 0.5 * width)) break;
      Enclosure candidate = enclose(mdp_, finite_, v, gaps, run_.threads());
      const Policy policy = candidate.policy;
      if (candidate.half_width <= best.half_width) best = std::move(candidate);
      if (satisfied(best) && !improver_->refines_always()) break;
      if (!run_.may_sweep()) break;
      width = largest;
      add_correction(v, gaps, policy, best, new_width);
    }
    return best;
  }

  // Solves the correction problem far enough for the accuracy asked for, or as far as doubles go in one round.
  void add_correction(std::vector<TwoDouble>& v, const Gaps& gaps, const Policy& policy, const Enclosure& best,
                      double width) {
    constexpr double reduction_per_round = 1e-9;
    const Mdp correction = correction_problem(mdp_, gaps);
    Iterate step = Iterate::from(correction, finite_, {}, run_.threads());
    step.policy = policy;
    const double asked = improver_->refines_always() ? 0.0 : 0.1 * smallest_allowed(best);
    const Goal goal(std::max(asked, reduction_per_round * width), best.half_width);
    static_cast<void>(improver_->improve(correction, step, run_, goal));
    step.residual = kernels::bellman_sweep(correction, step.v, step.tv, {}, run_.threads());
    const auto e = extrapolated(correction, step);
    for (std::size_t s = 0; s < v.size(); ++s) {
      if (finite_[s] && std::isfinite(e[s])) v[s] = v[s] + TwoDouble(e[s]);
    }
  }

  // Of a run that was stopped: early on, the last V may prove less than the start did.
  void narrow_by_start(Enclosure& best) const {
    const Iterate start = Iterate::from(mdp_, finite_, run_.options().start, run_.threads());
    intersect(best, enclose(mdp_, start.v, run_.threads(), uncertainty_));
  }

  // Where one bound for all states is too wide for some: a bound for each.
  void narrow_by_elimination(Enclosure& best) {
    const SolveOptions& options = run_.options();
    if (options.method != Method::automatic || !may_be_small(mdp_)) return;
    if (!may_narrow(best.lower, best.upper, accuracy_, much_larger)) return;
    const double limit = static_cast<double>(options.memory_limit);
    if (options.memory_limit > 0 && most_elimination_bytes(mdp_.n_states()) > limit) return;
    auto other = enclose_by_elimination(mdp_, finite_, uncertainty_, best.values, run_);
    if (!other) return;
    eliminated_ = true;
    if (other->policy_loss_bound < infinity) {  // the greedy policy's loss is one bound for all states, too
      best.policy = std::move(other->policy);
      best.policy_loss_bound = other->policy_loss_bound;
    }
    intersect(best, *other);
  }

  void intersect(Enclosure& best, const Enclosure& other) const {
    best.half_width = 0.0;
    for (std::size_t s = 0; s < finite_.size(); ++s) {
      best.lower[s] = std::max(best.lower[s], other.lower[s]);
      best.upper[s] = std::min(best.upper[s], other.upper[s]);
      const Middle mid = middle(best.lower[s], best.upper[s]);
      best.values[s] = mid.value;
      best.half_width = std::max(best.half_width, mid.half_width);
    }
  }

  // 0 rather than 1e-31, wherever 0 is in the interval and accurate enough.
  void prefer_zero(Enclosure& e) const {
    const double furthest = largest_over_states([&](State s) {
      const double distance = std::max(-e.lower[s], e.upper[s]);
      if (!(e.lower[s] <= 0.0 && e.upper[s] >= 0.0 && distance <= accuracy_.at(0.0))) return 0.0;
      e.values[s] = 0.0;
      return distance;
    });
    e.half_width = std::max(e.half_width, furthest);
  }

  [[nodiscard]] bool satisfied(const Enclosure& e) const {
    if (accuracy_.relative == 0.0) return e.half_width <= accuracy_.at(0.0);
    return largest_over_states([&](State s) {
             return finite_[s] && !(middle(e.lower[s], e.upper[s]).half_width <= accuracy_.at(e.values[s])) ? 1.0 : 0.0;
           }) == 0.0;
  }

  template <class F>
  [[nodiscard]] double largest_over_states(F&& f) const {
    return kernels::reduce_states(
        mdp_.blocks(), run_.threads(), 0.0,
        [&](State first, State last) {
          double largest = 0.0;
          for (State s = first; s < last; ++s) largest = std::max(largest, f(s));
          return largest;
        },
        [](double x, double y) { return std::max(x, y); });
  }

  [[nodiscard]] double smallest_allowed(const Enclosure& e) const {
    double smallest = infinity;
    for (std::size_t s = 0; s < finite_.size(); ++s) {
      if (finite_[s]) smallest = std::min(smallest, accuracy_.at(e.values[s]));
    }
    return smallest;
  }

  [[nodiscard]] Status stopped_or(Status otherwise) const {
    return run_.stopped() != Status::not_run ? run_.stopped() : otherwise;
  }

  [[nodiscard]] std::string explanation() const {
    switch (result_.status) {
      case Status::converged:
        return certified_ ? "the enclosure is as narrow as asked for" : "the estimate meets the test";
      case Status::sweep_limit: return fmt::format("stopped after max_sweeps = {} sweeps", run_.options().max_sweeps);
      case Status::time_limit: return fmt::format("stopped after {} seconds", run_.options().time_limit_seconds);
      case Status::interrupted: return "stopped on request; the bounds are the best so far";
      case Status::precision_limit:
        return certified_ ? why_too_wide(result_.value_lower, result_.value_upper, accuracy_)
                          : "rounding hides further progress";
      default: return {};
    }
  }

  const Mdp& mdp_;
  const std::function<std::unique_ptr<Improver>()>& make_;
  const CheckpointOptions& checkpoint_;
  EntryUncertainty uncertainty_;
  bool certified_;
  Accuracy accuracy_;
  Run run_;  // its clock runs while the method is chosen, too
  std::unique_ptr<Improver> improver_;
  graph::StateSet finite_;
  Iterate it_;
  bool eliminated_ = false;  // states, to narrow the bounds
  SolveResult result_;
};

}  // namespace

SolveResult solve_discounted(const Mdp& mdp, const SolveOptions& options,
                             const std::function<std::unique_ptr<Improver>()>& make,
                             const EntryUncertainty& uncertainty, const CheckpointOptions& checkpoint) {
  require_valid_arguments(mdp, options);
  if (const auto rule = checkpoint.check(); !rule.empty()) throw InvalidOption(rule);
  return Solve(mdp, options, make, uncertainty, checkpoint)();
}

}  // namespace mdp::solvers
