#include <algorithm>
#include <cmath>
#include <numeric>

#include "cli/study/sim2real.hpp"
#include "cli/usage.hpp"
#include "libmdp/random.hpp"
#include "solvers/in_real_gradient.hpp"

namespace mdp::cli::study {
namespace {

constexpr std::size_t checked_parameters = 8;

/// dJ/dtheta for the largest derivatives beside Richardson's differences of J; and the family's own Jacobian.
ThetaCheck check_theta(const ExperimentParts& parts, const solvers::InRealOptions& in_real,
                       const std::vector<double>& theta) {
  ThetaCheck check;
  check.family = parts.family.check(theta);
  const auto at = solvers::in_real_gradient(parts.world, parts.family.at(theta), in_real);
  const std::vector<double> gradient = parts.family.vjp(theta, at.gradient);
  std::vector<std::size_t> order(gradient.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order,
                           [&](std::size_t a, std::size_t b) { return std::abs(gradient[a]) > std::abs(gradient[b]); });
  order.resize(std::min(order.size(), checked_parameters));
  const double h = 1e-3 * in_real.soft.temperature;
  // Differences carry the rounding of J: derivatives below 1e-6 |J| are compared with that.
  const double scale =
      std::max(order.empty() ? 0.0 : std::abs(gradient[order.front()]), 1e-6 * std::abs(at.performance));
  for (const std::size_t i : order) {
    // Both mixture weights and the rest: moves that leave the domain's hyperplane are no differences of J.
    const auto performance = [&](double by) {
      std::vector<double> moved = theta;
      moved[i] += by;
      if (!parts.family.violated(moved).empty()) return not_computed;
      return solvers::in_real_gradient(parts.world, parts.family.at(moved), in_real).performance;
    };
    const double near = (performance(h) - performance(-h)) / (2 * h);
    const double far = (performance(2 * h) - performance(-2 * h)) / (4 * h);
    const double quotient = (4 * near - far) / 3;
    if (std::isnan(quotient)) continue;
    check.parameters.push_back({static_cast<std::int64_t>(i), gradient[i], quotient});
    const double error = std::abs(gradient[i] - quotient);
    if (error > 0.0) check.max_relative_error = std::max(check.max_relative_error, error / scale);
  }
  return check;
}

equivalence::TuneOptions tune_options(const Sim2RealConfig& config, const ExperimentConfig& experiment,
                                      const ExperimentParts& parts, const LearnerConfig& learner, int threads) {
  equivalence::TuneOptions options;
  options.objective = learner.objective == "likelihood" ? equivalence::TuneObjective::likelihood
                      : learner.objective == "defect"   ? equivalence::TuneObjective::defect
                                                        : equivalence::TuneObjective::world_performance;
  options.temperature = experiment.temperature;
  options.free.assign(static_cast<std::size_t>(parts.family.n_parameters()), 0);
  const auto first = parts.family.first_parameter();
  for (std::size_t i = 0; i < parts.part_names.size(); ++i) {
    if (std::ranges::find(learner.moves, parts.part_names[i]) == learner.moves.end()) continue;
    std::fill(options.free.begin() + first[i], options.free.begin() + first[i + 1], char{1});
  }
  options.method = learner.method == "gradient"       ? solvers::DescentMethod::gradient
                   : learner.method == "gauss-newton" ? solvers::DescentMethod::gauss_newton
                                                      : solvers::DescentMethod::quasi_newton;
  options.max_iterations = learner.max_iterations;
  options.gradient_tolerance = learner.gradient_tolerance;
  options.first_step = learner.first_step;
  options.solve = solve_options(config, threads);
  options.threads = threads;
  return options;
}

/// Free parameters moved by up to the learner's perturbation, then projected onto the family's domain.
std::vector<double> perturbed(std::vector<double> theta, const solvers::ParametricMdp& family,
                              const LearnerConfig& learner, const std::vector<char>& free) {
  if (learner.perturbation == 0.0) return theta;
  RandomSequence random(learner.seed, RandomStream::start_point, 0);
  for (std::size_t i = 0; i < theta.size(); ++i) {
    const double u = random.uniform();  // drawn for every parameter: learners of one seed agree on those they share
    if (free[i] != 0) theta[i] += learner.perturbation * (2.0 * u - 1.0);
  }
  return family.project(std::move(theta));
}

/// Names of learners that run: the one asked for and those it starts from.
bool runs(const Sim2RealConfig& config, const std::string& wanted, const std::string& name) {
  for (std::string at = wanted; !at.empty() && at != "family";) {
    if (at == name) return true;
    at = std::ranges::find(config.learners, at, &LearnerConfig::name)->start;
  }
  return wanted.empty();
}

template <class Configs>
void require_known(const char* option, const std::string& name, const Configs& configs) {
  std::vector<std::string> names;
  names.reserve(configs.size());
  for (const auto& config : configs) names.push_back(config.name);
  if (!name.empty() && std::ranges::find(names, name) == names.end()) throw unknown_value(option, name, names);
}

/// Runs learners in order, from a checkpoint if there is one.
class Learners {
 public:
  Learners(const Sim2RealConfig& config, const Sim2RealOptions& options)
      : config_(config), options_(options), progress_(options.resume) {
    const std::string selection = options.experiment + "/" + options.learner;
    if (!progress_.selection.empty() && progress_.selection != selection) {
      throw UsageError("--resume: the checkpoint was made with --experiment and --learner '" + progress_.selection +
                       "', now they are '" + selection + "'");
    }
    progress_.selection = selection;
  }

  std::vector<ExperimentOutcome> run() {
    std::vector<ExperimentOutcome> outcomes;
    for (const ExperimentConfig& experiment : config_.experiments) {
      if (stopped_ || (!options_.experiment.empty() && options_.experiment != experiment.name)) continue;
      ExperimentOutcome outcome{experiment, make_experiment(config_, experiment, options_.threads), {}};
      for (const LearnerConfig& learner : config_.learners) {
        if (!stopped_ && runs(config_, options_.learner, learner.name)) learn(outcome, learner);
      }
      outcomes.push_back(std::move(outcome));
    }
    return outcomes;
  }

 private:
  void learn(ExperimentOutcome& outcome, const LearnerConfig& learner) {
    const ExperimentParts& parts = outcome.parts;
    equivalence::TuneOptions options = tune_options(config_, outcome.config, parts, learner, options_.threads);
    const auto from =
        std::ranges::find_if(outcome.learners, [&](const auto& o) { return o.config.name == learner.start; });
    const std::vector<double> start = perturbed(from == outcome.learners.end() ? parts.start : from->result.state.x,
                                                parts.family, learner, options.free);
    LearnerOutcome done{learner, {}, {}};
    if (options_.check) {
      solvers::InRealOptions in_real;
      in_real.soft.temperature = outcome.config.temperature;
      in_real.soft.threads = options_.threads;
      done.check = check_theta(parts, in_real, start);
    }
    if (next_ < progress_.finished.size()) {  // known from the checkpoint
      done.result = progress_.finished[next_];
    } else {
      done.result = work(outcome, learner, options, start);
      if (!stopped_) progress_.finished.push_back(done.result);
    }
    ++next_;
    outcome.learners.push_back(std::move(done));
  }

  equivalence::TuneResult work(const ExperimentOutcome& outcome, const LearnerConfig& learner,
                               equivalence::TuneOptions& options, const std::vector<double>& start) {
    equivalence::TuneResult earlier;
    earlier.state.x = start;
    if (progress_.current) earlier = std::move(*progress_.current);
    if (!earlier.trace.empty()) {  // the last record is made again at the resumed iterate
      options.max_iterations -= earlier.state.iteration;
      earlier.trace.pop_back();
    }
    progress_.current = earlier;
    options.observer = [&](const equivalence::TuneRecord& record, const solvers::DescentState& state) {
      progress_.current->trace.push_back(record);
      progress_.current->state = state;
      if (options_.observer && !options_.observer(outcome.config.name + ", " + learner.name, progress_))
        stopped_ = true;
      return !stopped_;
    };
    const ExperimentParts& parts = outcome.parts;
    equivalence::TuneResult result =
        equivalence::tune(parts.world, parts.solved, parts.family, parts.data, earlier.state, options);
    result.trace = std::move(progress_.current->trace);
    progress_.current.reset();
    return result;
  }

  const Sim2RealConfig& config_;
  const Sim2RealOptions& options_;
  TuneProgress progress_;
  std::size_t next_ = 0;
  bool stopped_ = false;
};

}  // namespace

std::vector<ExperimentOutcome> run_learners(const Sim2RealConfig& config, const Sim2RealOptions& options) {
  require_known("--experiment", options.experiment, config.experiments);
  require_known("--learner", options.learner, config.learners);
  return Learners(config, options).run();
}

}  // namespace mdp::cli::study
