#include "equivalence/tune.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "equivalence/defect_gradient.hpp"
#include "equivalence/fit.hpp"
#include "equivalence/outer_model.hpp"
#include "equivalence/shape.hpp"
#include "libmdp/error.hpp"
#include "solvers/in_real_gradient.hpp"

namespace mdp::equivalence {
namespace {

using solvers::DescentPoint;
using solvers::DescentState;

double largest(std::span<const double> x, std::span<const char> free) {
  double most = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (free.empty() || free[i] != 0) most = std::max(most, std::abs(x[i]));
  }
  return most;
}

double initial_value(const Mdp& mdp, std::span<const double> values) {
  double sum = 0.0;
  for (std::size_t s = 0; s < values.size(); ++s) sum += mdp.initial()[s] == 0.0 ? 0.0 : mdp.initial()[s] * values[s];
  return sum;
}

class Tuning {
 public:
  Tuning(const Mdp& world, const solvers::SolveResult& solved, const solvers::ParametricMdp& family,
         const TransitionCounts& data, const TuneOptions& options)
      : world_(world), solved_(solved), family_(family), data_(data), options_(options) {
    optimum_ = initial_value(world, solved.values);
    in_real_.soft.temperature = options.temperature;
    in_real_.soft.reference = options.reference;
    in_real_.soft.threads = options.threads;
  }

  TuneResult run(DescentState start) {
    solvers::DescentOptions descent;
    descent.method = options_.method;
    descent.max_iterations = options_.max_iterations;
    descent.gradient_tolerance = options_.gradient_tolerance;
    descent.first_step = options_.first_step;
    descent.free = options_.free;
    descent.project = [this](std::vector<double> theta) { return family_.project(std::move(theta)); };
    descent.observer = [this](const DescentState& state, const DescentPoint& point) { return observe(state, point); };
    descent.linearise = [this](std::span<const double> theta) { return least_squares(theta); };
    const solvers::DescentFunction f = [this](std::span<const double> theta) { return objective(theta); };
    solvers::DescentResult ended = solvers::minimise(f, std::move(start), descent);
    result_.status = ended.status;
    result_.state = std::move(ended.state);
    describe_end(ended.message);
    return std::move(result_);
  }

 private:
  [[nodiscard]] DescentPoint objective(std::span<const double> theta) const {
    const Mdp model = family_.at(theta);
    if (options_.objective == TuneObjective::likelihood) {
      solvers::EntryGradient gradient = likelihood_gradient(model, data_);
      for (double& g : gradient.probability) g = -g;
      return {-mean_log_likelihood(model, data_), family_.vjp(theta, std::move(gradient))};
    }
    if (options_.objective == TuneObjective::defect) {
      MeanSquareDefect at = mean_square_defect(world_, solved_, model, options_.threads);
      return {at.value, family_.vjp(theta, std::move(at.gradient))};
    }
    solvers::InRealGradient at = solvers::in_real_gradient(world_, model, in_real_);
    if (at.gradient.cost.empty()) throw InvalidArgument("tune: " + at.message);
    return {at.performance, family_.vjp(theta, std::move(at.gradient))};
  }

  // What Gauss-Newton's outer step minimises.
  [[nodiscard]] solvers::LeastSquaresModel least_squares(std::span<const double> theta) const {
    if (options_.objective == TuneObjective::likelihood) return likelihood_model(family_, theta, data_, options_.free);
    if (options_.objective == TuneObjective::defect)
      return defect_model(world_, solved_, family_, theta, options_.free, options_.threads);
    return performance_model(world_, family_, theta, solvers::in_real_gradient(world_, family_.at(theta), in_real_),
                             options_.free);
  }

  // Records the iterate; ends the run where there is no regret left.
  bool observe(const DescentState& state, const DescentPoint& point) {
    const Mdp model = family_.at(state.x);
    const solvers::InRealGradient soft = solvers::in_real_gradient(world_, model, in_real_);
    LevelsOptions levels_options;
    levels_options.solve = options_.solve;
    levels_options.n_policies = 0;
    const LevelsResult levels = check_levels(world_, solved_, model, levels_options);
    TuneRecord record;
    record.iteration = state.iteration;
    record.evaluations = state.evaluations;
    record.performance = soft.performance;
    record.performance_error = soft.performance_error_bound;
    record.optimum = optimum_;
    record.regret = levels.candidate.initial_regret_bounds;
    record.epsilon = levels.candidate.defect.epsilon;
    record.level = levels.lowest();
    if (!data_.count.empty()) record.log_likelihood = mean_log_likelihood(model, data_);
    record.gradient_norm = largest(point.gradient, options_.free);
    result_.policy_gradient_norm = 0.0;
    for (const double w : soft.world.logit_gradient) result_.policy_gradient_norm += std::abs(w);
    result_.improvement_left = improvement_left(soft.world);
    result_.trace.push_back(record);
    if (options_.observer && !options_.observer(record, state)) return false;
    const bool world = options_.objective == TuneObjective::world_performance;
    reached_ = world && options_.regret_tolerance > 0.0 &&
               record.regret.upper <= options_.regret_tolerance * std::max(1.0, std::abs(optimum_));
    return !reached_;
  }

  // sum_s d(s) max_a (-A(s, a)).
  [[nodiscard]] double improvement_left(const solvers::PolicyGradient& at) const {
    double sum = 0.0;
    for (State s = 0; s < world_.n_states(); ++s) {
      double best = 0.0;
      for (Offset row = world_.state_rows()[s]; row < world_.state_rows()[s + 1]; ++row) {
        best = std::max(best, -at.advantage[row]);
      }
      sum += at.occupancy[s] * best;
    }
    return sum;
  }

  void describe_end(const std::string& message) {
    const TuneRecord& last = result_.trace.back();
    const bool regret = last.regret.lower > 0.0;
    if (reached_) {
      result_.status = Status::converged;
      result_.ending = TuneEnding::regret_zero;
      result_.message = "the model's optimal policy is the world's, to certified precision";
    } else if (result_.status == Status::interrupted) {
      result_.ending = TuneEnding::interrupted;
      result_.message = message;
    } else if (result_.status == Status::sweep_limit) {
      result_.ending = TuneEnding::limit;
      result_.message = message;
    } else if (options_.objective != TuneObjective::world_performance) {
      result_.ending = result_.status == Status::converged ? TuneEnding::stationary : TuneEnding::no_progress;
      result_.message = message + (regret ? "; regret is left" : "; no regret is proved to be left");
    } else if (result_.policy_gradient_norm <= 1e-3 * result_.improvement_left) {
      // Steps of the policy hardly pay although better actions exist: pi is close to 0 or 1 where it matters.
      result_.ending = TuneEnding::flat;
      result_.message = "a flat region: the policy is saturated, though better actions exist in the world";
    } else if (result_.status == Status::converged) {
      result_.ending = TuneEnding::stationary;
      result_.message = regret ? "a local optimum (or saddle) of this family with regret left"
                               : "stationary; no regret is proved to be left";
    } else {
      result_.ending = TuneEnding::no_progress;
      result_.message = message;
    }
  }

  const Mdp& world_;
  const solvers::SolveResult& solved_;
  const solvers::ParametricMdp& family_;
  const TransitionCounts& data_;
  const TuneOptions& options_;
  solvers::InRealOptions in_real_;
  double optimum_ = not_computed;
  bool reached_ = false;
  TuneResult result_;
};

}  // namespace

std::string_view to_string(TuneEnding ending) noexcept {
  switch (ending) {
    case TuneEnding::regret_zero: return "regret zero";
    case TuneEnding::stationary: return "stationary";
    case TuneEnding::flat: return "flat";
    case TuneEnding::no_progress: return "no progress";
    case TuneEnding::limit: return "limit";
    default: return "interrupted";
  }
}

double mean_log_likelihood(const Mdp& model, const TransitionCounts& counts) {
  return log_likelihood(model, counts) / counts.total();
}

solvers::EntryGradient likelihood_gradient(const Mdp& model, const TransitionCounts& counts) {
  solvers::EntryGradient gradient = solvers::zero_direction(model);
  const double n = counts.total();
  const std::vector<Offset> at = stored_at(model, counts);
  for (std::size_t i = 0; i < at.size(); ++i) {
    if (at[i] >= 0) gradient.probability[at[i]] = counts.count[i] / (n * model.probability()[at[i]]);
  }
  return gradient;
}

std::string TuneOptions::check() const {
  if (!(temperature > 0.0 && temperature < infinity)) {
    return "temperature: " + std::to_string(temperature) +
           " is not in (0, inf): without entropy the model's policy has no derivative (D8)";
  }
  if (!(regret_tolerance >= 0.0)) return "regret_tolerance: must be >= 0";
  if (threads < 0) return "threads: " + std::to_string(threads) + " is below 0 (0 = all)";
  return "";
}

TuneResult tune(const Mdp& world, const solvers::SolveResult& world_solution, const solvers::ParametricMdp& family,
                const TransitionCounts& data, solvers::DescentState start, const TuneOptions& options) {
  if (const std::string problem = options.check(); !problem.empty()) throw InvalidOption(problem);
  require_same_shape(world, family.base());
  if (!data.count.empty() && static_cast<Offset>(data.row_begin.size()) != world.n_rows() + 1) {
    throw InvalidArgument("tune: the counts are not those of the world's pairs");
  }
  if (options.objective == TuneObjective::likelihood) {
    if (data.count.empty()) throw InvalidArgument("tune: likelihood needs data");
    const std::vector<Offset> at = stored_at(family.base(), data);
    double impossible = 0.0;
    for (std::size_t i = 0; i < at.size(); ++i) impossible += at[i] < 0 ? data.count[i] : 0.0;
    if (impossible > 0.0) {
      throw InvalidArgument(
          fmt::format("tune: {} of {} samples are impossible in every model of the family: likelihood 0", impossible,
                      data.total()));
    }
  }
  return Tuning(world, world_solution, family, data, options).run(std::move(start));
}

}  // namespace mdp::equivalence
