#include "solvers/finite_horizon.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "libmdp/bounds.hpp"
#include "libmdp/error.hpp"
#include "libmdp/kernels/residual.hpp"
#include "solvers/criterion_answer.hpp"
#include "solvers/evaluation.hpp"

namespace mdp::solvers {
namespace {

constexpr double largest_value = 1e300;  // of one error for all states: beyond, a sum could overflow

std::vector<TwoDouble> terminal_values(const Mdp& mdp, const CriterionOptions& options) {
  const auto n = static_cast<std::size_t>(mdp.n_states());
  for (const auto* terminal : {&options.terminal, &options.terminal_tail}) {
    if (terminal->empty() || terminal->size() == n) continue;
    throw InvalidArgument(fmt::format("terminal has {} entries, required 0 or n_states = {}", terminal->size(), n));
  }
  std::vector<TwoDouble> v(n);
  for (std::size_t s = 0; s < options.terminal.size(); ++s) {
    if (!(options.terminal[s] > -infinity)) {
      throw InvalidArgument(fmt::format("terminal[{}] = {}, required a number or +inf", s, options.terminal[s]));
    }
    const bool tail = !options.terminal_tail.empty() && options.terminal[s] < infinity;
    v[s] = quick_two_sum(options.terminal[s], tail ? options.terminal_tail[s] : 0.0);
    if (options.terminal[s] == infinity) v[s] = infinity;
  }
  return v;
}

// Rounded up; 0 only if all are.
double max_abs_finite(std::span<const TwoDouble> v) {
  double largest = 0.0;
  for (const TwoDouble x : v) {
    if (x.hi < infinity) largest = std::max(largest, std::abs(x.hi));
  }
  return largest > 0.0 ? largest * (1.0 + 4.0 * unit_roundoff) : 0.0;
}

std::vector<double> rounded(std::span<const TwoDouble> v) {
  std::vector<double> result;
  result.reserve(v.size());
  for (const TwoDouble x : v) result.push_back(x.hi < infinity ? x.value() : infinity);
  return result;
}

// Range of V_k - V_{k+1} over states where both are finite: what an observer sees.
kernels::ResidualRange difference(std::span<const TwoDouble> now, std::span<const TwoDouble> next) {
  kernels::ResidualRange range;
  for (std::size_t s = 0; s < now.size(); ++s) {
    if (!(now[s].hi < infinity && next[s].hi < infinity)) continue;
    range.min = std::min(range.min, now[s].hi - next[s].hi);
    range.max = std::max(range.max, now[s].hi - next[s].hi);
  }
  return range;
}

// The stages done so far, from the last one backwards.
struct Induction {
  bool each_state = false;                          // an error for each state, or one for all
  std::vector<TwoDouble> v;                         // of the last stage done
  std::vector<double> error;                        // [n_states], or [1]
  double loss = 0.0;                                // of the policy, over the stages done
  std::vector<std::vector<double>> value_by_stage;  // the terminal cost first
  std::vector<Policy> policy_by_stage;              // the last stage first

  [[nodiscard]] std::size_t n_done() const { return policy_by_stage.size(); }
  [[nodiscard]] double error_of(std::size_t s) const { return error[each_state ? s : 0]; }
};

// What is minimised in a stage.
using StageMdp = std::function<const Mdp&(std::size_t stage)>;

class FiniteHorizon {
 public:
  FiniteHorizon(const Mdp& mdp, StageMdp of_stage, const CriterionOptions& options, const CheckpointOptions& checkpoint)
      : of_stage_(std::move(of_stage)),
        options_(options),
        checkpoint_(checkpoint),
        run_(options.solve),
        n_stages_(static_cast<std::size_t>(options.horizon)),
        terminal_(terminal_values(mdp, options)),
        accuracy_(resolve_accuracy(options.solve, std::max(mdp.max_abs_cost(), max_abs_finite(terminal_)))),
        identity_(checkpoint.save.empty() && checkpoint.resume.empty()
                      ? 0
                      : identity_of(mdp, Criterion::finite, options, checkpoint.sweeps_per_stage)) {}

  CriterionResult operator()() {
    Induction first = checkpoint_.resume.empty() ? from_the_end(false) : resumed();
    const bool whole = go_on(first);
    CriterionResult result = answer(first, whole);
    const bool finer = !first.each_state && options_.solve.level == Level::certified && !result.converged() &&
                       run_.stopped() == Status::not_run &&
                       may_narrow(result.value_lower, result.value_upper, accuracy_);
    if (finer) {
      Induction second = from_the_end(true);
      if (go_on(second)) {
        result = answer(second, true);
      } else {
        result.status = run_.stopped();
      }
    }
    close(result, run_);
    return result;
  }

 private:
  [[nodiscard]] Induction from_the_end(bool each_state) const {
    Induction start;
    start.each_state = each_state;
    start.v = terminal_;
    start.error.assign(each_state ? terminal_.size() : 1, 0.0);
    for (std::size_t s = 0; s < options_.terminal_tail.size(); ++s) {
      if (terminal_[s].hi == infinity || terminal_[s].hi == 0.0) continue;
      double& error = start.error[each_state ? s : 0];
      error = std::max(error, 4.0 * unit_roundoff * unit_roundoff * std::abs(terminal_[s].hi) + 0x1p-1074);
    }
    start.value_by_stage.push_back(rounded(terminal_));
    return start;
  }

  // False if a limit, or the range of doubles, came before stage 0.
  bool go_on(Induction& it) {
    std::vector<TwoDouble> now(it.v.size());
    while (it.n_done() < n_stages_) {
      if (!run_.may_sweep() || !do_stage(it, now)) return false;
      const bool pause = it.n_done() % static_cast<std::size_t>(checkpoint_.sweeps_per_stage) == 0;
      if (!checkpoint_.save.empty() && pause && it.n_done() < n_stages_) save(it);
    }
    return true;
  }

  bool do_stage(Induction& it, std::vector<TwoDouble>& now) {
    const Mdp& mdp = of_stage_(n_stages_ - 1 - it.n_done());
    Policy policy(it.v.size());
    if (it.each_state) {
      std::vector<double> error(it.v.size());
      const kernels::KnownValues known{it.v, it.error, options_.uncertainty.probability, options_.uncertainty.cost};
      kernels::precise_sweep(mdp, known, now, error, policy, options_.solve.threads);
      it.error = std::move(error);
    } else {
      double& error = it.error.front();
      const double size = (max_abs_finite(it.v) + error) * (1.0 + 4.0 * unit_roundoff);
      if (!(size + mdp.max_abs_cost() < largest_value)) return false;
      if (size > 0.0 || mdp.max_abs_cost() > 0.0) {
        const double of_sweep = kernels::row_gap_error(mdp, size) + options_.uncertainty.of_q(size);
        error = bounds::round_up(bounds::round_up(bounds::round_up(mdp.discount()) * error) + of_sweep);
      }
      // Two q that differ by more than their errors are told apart.
      kernels::precise_sweep(mdp, it.v, now, 2.0 * error, policy, options_.solve.threads);
    }
    const double largest = *std::max_element(it.error.begin(), it.error.end());
    if (largest > 0.0) it.loss = bounds::round_up(it.loss + 5.0 * largest);
    run_.count_sweep(difference(now, it.v), largest);
    it.v.swap(now);
    it.value_by_stage.push_back(rounded(it.v));
    it.policy_by_stage.push_back(std::move(policy));
    return true;
  }

  // Each stage's action is within 5 of its errors of the best: those of all stages add up.
  [[nodiscard]] CriterionResult answer(Induction& it, bool whole) {
    CriterionResult result;
    result.criterion = Criterion::finite;
    result.method = it.each_state ? "backward induction, an error for each state" : "backward induction";
    if (whole) {
      for (std::size_t s = 0; s < it.v.size(); ++s) {
        const bool finite = it.v[s].hi < infinity;
        result.value_lower.push_back(finite ? outward_lower(it.v[s], it.error_of(s)) : infinity);
        result.value_upper.push_back(finite ? outward_upper(it.v[s], it.error_of(s)) : infinity);
      }
      std::reverse(it.value_by_stage.begin(), it.value_by_stage.end());
      std::reverse(it.policy_by_stage.begin(), it.policy_by_stage.end());
      result.value_by_stage = std::move(it.value_by_stage);
      result.policy_by_stage = std::move(it.policy_by_stage);
      if (n_stages_ > 0) result.policy = result.policy_by_stage.front();
    } else {  // nothing is known of stage 0
      result.value_lower.assign(it.v.size(), -infinity);
      result.value_upper.assign(it.v.size(), infinity);
      result.message = fmt::format("stopped at stage {} of {}{}", n_stages_ - it.n_done(), n_stages_,
                                   run_.stopped() == Status::not_run ? ": values beyond 1e300" : "");
    }
    judge(result, accuracy_, run_.stopped(), options_.solve.level);
    result.policy_loss_bound = whole ? it.loss : infinity;
    return result;
  }

  // In Checkpoint::values: each_state, loss, V as pairs, the errors, and then the values of the stages.
  void save(const Induction& it) const {
    Checkpoint state{identity_, run_.sweeps(), 0, run_.bytes(), {}, {}};
    state.values = {it.each_state ? 1.0 : 0.0, it.loss};
    for (const TwoDouble x : it.v) {
      state.values.push_back(x.hi);
      state.values.push_back(x.lo);
    }
    state.values.insert(state.values.end(), it.error.begin(), it.error.end());
    for (const auto& stage : it.value_by_stage) state.values.insert(state.values.end(), stage.begin(), stage.end());
    for (const auto& stage : it.policy_by_stage) state.policy.insert(state.policy.end(), stage.begin(), stage.end());
    write_checkpoint(checkpoint_.save, state);
  }

  [[nodiscard]] Induction resumed() {
    const Checkpoint state = read_checkpoint(checkpoint_.resume, identity_);
    run_.resume_from(state.sweeps, state.iterations, state.bytes);
    const std::size_t n = terminal_.size();
    Induction it;
    const double* x = state.values.data();
    it.each_state = *x++ != 0.0;
    it.loss = *x++;
    for (std::size_t s = 0; s < n; ++s, x += 2) it.v.emplace_back(x[0], x[1]);
    const std::size_t n_errors = it.each_state ? n : 1;
    it.error.assign(x, x + n_errors);
    x += n_errors;
    for (; x != state.values.data() + state.values.size(); x += n) it.value_by_stage.emplace_back(x, x + n);
    for (const Action* a = state.policy.data(); a != state.policy.data() + state.policy.size(); a += n) {
      it.policy_by_stage.emplace_back(a, a + n);
    }
    return it;
  }

  StageMdp of_stage_;
  const CriterionOptions& options_;
  const CheckpointOptions& checkpoint_;
  Run run_;
  std::size_t n_stages_;
  std::vector<TwoDouble> terminal_;
  Accuracy accuracy_;
  std::uint64_t identity_;
};

}  // namespace

CriterionResult solve_finite_horizon(const Mdp& mdp, const CriterionOptions& options,
                                     const CheckpointOptions& checkpoint) {
  require_valid(mdp, options);
  if (options.horizon < 0)
    throw InvalidOption("horizon is missing: the finite criterion needs a number of stages >= 0");
  return FiniteHorizon(
      mdp, [&](std::size_t) -> const Mdp& { return mdp; }, options, checkpoint)();
}

CriterionResult evaluate_by_stage(const Mdp& mdp, std::span<const RandomisedPolicy> policies,
                                  const CriterionOptions& options) {
  require_valid(mdp, options);
  if (options.horizon != static_cast<std::int64_t>(policies.size())) {
    throw InvalidArgument(
        fmt::format("a policy for each of {} stages, required horizon = {}", policies.size(), options.horizon));
  }
  CriterionOptions mixed = options;
  const EntryUncertainty mixing = mixing_uncertainty(mdp);
  mixed.uncertainty.probability += mixing.probability;
  mixed.uncertainty.cost += mixing.cost;
  std::optional<Mdp> chain;
  const auto of_stage = [&](std::size_t k) -> const Mdp& { return chain.emplace(induced_chain(mdp, policies[k])); };
  CriterionResult result = FiniteHorizon(mdp, of_stage, mixed, {})();
  result.policy.clear();
  result.policy_by_stage.clear();
  result.policy_loss_bound = not_computed;
  return result;
}

}  // namespace mdp::solvers
