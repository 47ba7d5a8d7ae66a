// Runs without a discount in stages: each starts from what the one before ended with.
#include <algorithm>
#include <chrono>
#include <utility>

#include "libmdp/error.hpp"
#include "solvers/applicability.hpp"
#include "solvers/checkpoint.hpp"
#include "solvers/finite_horizon.hpp"
#include "solvers/solve.hpp"

namespace mdp::solvers {
namespace {

constexpr std::int64_t patience = 30;  // stages that bring nothing closer

// One run: its stages one after another.
class Stages {
 public:
  Stages(const Mdp& mdp, Criterion criterion, const CriterionOptions& options, const CheckpointOptions& checkpoint)
      : mdp_(mdp), criterion_(criterion), options_(options), checkpoint_(checkpoint), stage_(options) {
    state_.identity = identity_of(mdp, criterion, options, checkpoint.sweeps_per_stage);
    if (checkpoint.resume.empty()) return;
    state_ = read_checkpoint(checkpoint.resume, state_.identity);
    stage_.solve.start = state_.values;
  }

  CriterionResult operator()() {
    for (;;) {
      CriterionResult r = solve_stage();
      const bool over = r.status == Status::sweep_limit && r.sweeps < options_.solve.max_sweeps;
      if (over && !keep(r)) {
        r.status = Status::precision_limit;
        r.message += "; many stages brought nothing closer";
      }
      if (r.status != Status::sweep_limit || !over) {
        r.trace = std::move(trace_);
        r.seconds = seconds();
        return r;
      }
      if (!checkpoint_.save.empty()) write_checkpoint(checkpoint_.save, state_);
    }
  }

 private:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

  CriterionResult solve_stage() {
    const SolveOptions& all = options_.solve;
    stage_.solve.max_sweeps =
        std::min(checkpoint_.sweeps_per_stage, std::max<std::int64_t>(0, all.max_sweeps - state_.sweeps));
    stage_.solve.time_limit_seconds = std::max(1e-9, all.time_limit_seconds - seconds());
    stage_.solve.record_trace = false;
    const double before = seconds();
    if (all.observer || all.record_trace) {
      stage_.solve.observer = [&, before](const SweepRecord& record) { return tell(record, before); };
    }
    CriterionResult r = solve_criterion(mdp_, criterion_, stage_);
    r.sweeps += state_.sweeps;
    r.iterations += state_.iterations;
    return r;
  }

  bool tell(SweepRecord record, double before) {
    record.sweep += state_.sweeps;
    record.iteration += state_.iterations;
    record.seconds += before;
    if (options_.solve.record_trace) trace_.push_back(record);
    return !options_.solve.observer || options_.solve.observer(record);
  }

  // What the next stage starts from. False once nothing is to be hoped for.
  bool keep(CriterionResult& r) {
    const bool closer = r.value_error_bound < state_.closest;
    const bool moves = r.iterate != state_.values;
    state_.idle = closer || (moves && !(state_.closest < infinity)) ? 0 : state_.idle + 1;
    state_.closest = std::min(state_.closest, r.value_error_bound);
    state_.sweeps = r.sweeps;
    state_.iterations = r.iterations;
    state_.values = r.iterate;
    state_.policy = r.policy;
    stage_.solve.start = r.iterate;
    return state_.idle < patience;
  }

  const Mdp& mdp_;
  Criterion criterion_;
  const CriterionOptions& options_;
  const CheckpointOptions& checkpoint_;
  CriterionOptions stage_;
  Checkpoint state_;
  std::vector<SweepRecord> trace_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace

std::string why_no_stages(Method method, Criterion criterion) {
  if (method == Method::soft_value_iteration) return "the soft problem is solved by Newton's method in a few steps";
  if (criterion == Criterion::discounted || criterion == Criterion::finite) return {};
  switch (method) {
    case Method::interval_iteration:
    case Method::optimistic_value_iteration:
    case Method::action_elimination:
      return "its state is a lower and an upper bound, proved from the first sweep on, and a checkpoint holds one "
             "vector";
    default: return {};
  }
}

CriterionResult solve_criterion(const Mdp& mdp, Criterion criterion, const CriterionOptions& options,
                                const CheckpointOptions& checkpoint) {
  if (const auto rule = options.check(); !rule.empty()) throw InvalidOption(rule);
  if (const auto rule = checkpoint.check(); !rule.empty()) throw InvalidOption(rule);
  if (!why_not(options.solve.method, mdp, criterion, options.improper).empty()) {
    return solve_criterion(mdp, criterion, options);  // refuses
  }
  if (std::string why = why_no_stages(options.solve.method, criterion); !why.empty()) {
    CriterionResult refused;
    refused.criterion = criterion;
    refused.status = Status::refused;
    refused.level = options.solve.level;
    refused.method = to_string(options.solve.method);
    refused.message = "no stages: " + why;
    refused.seconds = 0.0;
    return refused;
  }
  if (criterion == Criterion::finite) return solve_finite_horizon(mdp, options, checkpoint);
  if (criterion != Criterion::discounted) return Stages(mdp, criterion, options, checkpoint)();
  CriterionResult result;
  static_cast<SolveResult&>(result) = solve(mdp, options.solve, checkpoint);
  return result;
}

}  // namespace mdp::solvers
