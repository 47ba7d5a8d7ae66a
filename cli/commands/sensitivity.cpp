#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/present.hpp"
#include "cli/study/sim2real.hpp"
#include "cli/table.hpp"
#include "cli/usage.hpp"
#include "libmdp/vectors.hpp"
#include "solvers/in_real_gradient.hpp"
#include "solvers/policy_sensitivity.hpp"
#include "solvers/unrolled.hpp"

namespace mdp::cli {
namespace {

struct SensitivityCommand {
  std::string config, experiment;
  std::string path = "auto";
  std::optional<double> temperature;
  std::vector<std::int64_t> parameters;
  bool check = false;
};

constexpr std::size_t most_parameters = 12;  // shown if none are asked for
constexpr std::int64_t most_parameters_of_parts = 200;

solvers::HessianPath path_of(const std::string& word) {
  static const std::array<std::string, 3> words = {"auto", "dense", "matrix-free"};
  if (word == words[0]) return solvers::HessianPath::automatic;
  if (word == words[1]) return solvers::HessianPath::dense;
  if (word == words[2]) return solvers::HessianPath::matrix_free;
  throw unknown_value("--path", word, words);
}

/// What policies are judged by: the discounted sum for ever, or N stages as an MDP of their own (D6).
class Simulated {
 public:
  Simulated(const Mdp& model, const study::PolicyConfig& config) : undiscounted_(config.undiscounted), mdp_(model) {
    if (config.horizon == 0) return;
    stages_.emplace(config.undiscounted ? model.with_discount(Discount(1.0)) : model, config.horizon);
    mdp_ = stages_->mdp();
  }

  [[nodiscard]] const Mdp& mdp() const { return mdp_; }
  [[nodiscard]] std::vector<double> temperature_scale() const {
    return stages_ ? stages_->temperature_scale() : std::vector<double>{};
  }
  [[nodiscard]] solvers::EntryDirection spread(solvers::EntryDirection direction) const {
    if (undiscounted_) direction.discount = 0.0;  // the family's discount is not what is summed with
    return stages_ ? stages_->spread(direction) : std::move(direction);
  }
  [[nodiscard]] solvers::EntryGradient fold(solvers::EntryGradient gradient) const {
    if (undiscounted_) gradient.discount = 0.0;
    return stages_ ? stages_->fold(gradient) : std::move(gradient);
  }
  /// A class of the model's rows, the same at every stage.
  [[nodiscard]] solvers::PolicyClass stationary(solvers::RowFeatures features, double exploration,
                                                std::vector<double> offset) const {
    if (!stages_) return {mdp_, std::move(features), exploration, std::move(offset)};
    const std::vector<double> stage = offset;
    for (std::int64_t k = 1; k < stages_->horizon(); ++k) offset.insert(offset.end(), stage.begin(), stage.end());
    if (!offset.empty()) offset.resize(static_cast<std::size_t>(mdp_.n_rows()), 0.0);
    return {mdp_, stages_->stationary(features), exploration, std::move(offset)};
  }
  /// States that are reached at no stage.
  [[nodiscard]] std::vector<std::int64_t> unreached(const std::vector<State>& states, State n_states) const {
    std::vector<std::int64_t> times(static_cast<std::size_t>(n_states), 0), never;
    const std::int64_t stages = stages_ ? stages_->horizon() : 1;
    for (const State s : states) {
      if (s < n_states * stages) ++times[static_cast<std::size_t>(s % n_states)];
    }
    for (std::size_t s = 0; s < times.size(); ++s) {
      if (times[s] == stages) never.push_back(static_cast<std::int64_t>(s));
    }
    return never;
  }

 private:
  bool undiscounted_;
  Mdp mdp_;
  std::optional<solvers::Unrolled> stages_;
};

solvers::PolicyClass policies_of(const study::PolicyConfig& config, const solvers::Parametrisation& file,
                                 const Mdp& mdp, const Simulated& simulated) {
  auto features = config.kind == "shared"       ? solvers::RowFeatures::shared(mdp, config.groups)
                  : config.kind == "log-linear" ? file.policy_features.value()
                                                : solvers::RowFeatures::identity(mdp);
  return simulated.stationary(std::move(features), config.exploration, file.policy_offset);
}

/// The in-sim optimum of a study's experiment at its family's start, and how it moves with theta (D6, D7, D8).
class Sensitivities {
 public:
  Sensitivities(const SensitivityCommand& command, const study::Sim2RealConfig& config,
                const study::ExperimentConfig& experiment, const CommonFlags& common)
      : command_(command),
        parts_(study::make_experiment(config, experiment, common.threads)),
        theta_(parts_.start),
        model_(parts_.family.at(theta_)),
        config_(experiment.policy),
        simulated_(model_, config_),
        policies_(policies_of(config_, parts_.from_file, model_, simulated_)) {
    options_.temperature_scale = simulated_.temperature_scale();
    options_.temperature = command.temperature.value_or(experiment.temperature);
    options_.path = path_of(command.path);
    options_.threads = common.threads;
    sign_ = model_.objective() == Objective::maximize ? -1.0 : 1.0;
  }

  Status run(Result& result, std::string& text) {
    const solvers::InSimOptimum optimum = solvers::in_sim_optimum(simulated_.mdp(), policies_, options_);
    if (optimum.status != Status::converged) {
      describe(optimum, optimum.status, optimum.message, result, text);
      return optimum.status;
    }
    nu_ = optimum.parameters;
    const solvers::PolicySensitivity sensitivity(simulated_.mdp(), policies_, optimum, options_);
    const auto in_world = solvers::policy_gradient(Simulated(parts_.world, config_).mdp(),
                                                   sensitivity.expansion().policy(), 0.0, options_.threads);
    if (in_world.status == Status::refused) throw UsageError(in_world.message);
    gradient_ = parts_.family.vjp(theta_, simulated_.fold(sensitivity.vjp(in_world.logit_gradient)));
    result.set("path", sensitivity.message());
    result.set("world_value", sign_ * in_world.performance);
    choose_parameters();
    std::string message = optimum.message, tables;
    const Status status = forward(sensitivity, in_world, message, result, tables);
    describe(optimum, status, message, result, text);
    text += tables;
    return status;
  }

 private:
  void describe(const solvers::InSimOptimum& optimum, Status status, const std::string& message, Result& result,
                std::string& text) const {
    result.set("status", to_string(status));
    result.set("message", message);
    result.set("criterion", config_.horizon > 0 ? "finite" : "discounted");
    if (config_.horizon > 0) result.set("horizon", config_.horizon);
    result.set("objective", objective_word(model_.objective()));
    result.set("discount", config_.undiscounted ? 1.0 : model_.discount());
    result.set("temperature", options_.temperature);
    result.set("n_parameters", parts_.family.n_parameters());
    result.set("n_policy_parameters", policies_.n_parameters());
    result.set("stationarity", optimum.stationarity);
    result.set("stationarity_bound", optimum.stationarity_bound);
    result.set("curvature_min", optimum.curvature_min);
    if (optimum.n_gauge >= 0) result.set("n_gauge", optimum.n_gauge);
    const std::vector<std::int64_t> unreached = simulated_.unreached(optimum.unreached, model_.n_states());
    result.set("unreached_states", unreached);
    if (optimum.status == Status::converged) result.set("nu", optimum.parameters);
    Facts facts;
    facts.add("status", status_text(status, message));
    facts.add("policy", fmt::format("{} parameters, largest |dJ/dnu| at most {}", policies_.n_parameters(),
                                    bound_text(optimum.stationarity_bound)));
    facts.add("unreached", fmt::format("{} states", unreached.size()));
    text = facts.text();
  }

  void choose_parameters() {
    chosen_ = command_.parameters;
    for (const std::int64_t i : chosen_) {
      if (i < 0 || i >= parts_.family.n_parameters())
        throw UsageError(fmt::format("--parameters: {} is not among 0 .. {}", i, parts_.family.n_parameters() - 1));
    }
    if (!chosen_.empty()) return;
    chosen_.resize(gradient_.size());
    std::iota(chosen_.begin(), chosen_.end(), std::int64_t{0});
    std::ranges::stable_sort(chosen_, [&](std::int64_t a, std::int64_t b) {
      return std::abs(gradient_[static_cast<std::size_t>(a)]) > std::abs(gradient_[static_cast<std::size_t>(b)]);
    });
    chosen_.resize(std::min(chosen_.size(), most_parameters));
    std::ranges::sort(chosen_);
  }

  /// d log pi along theta_i by re-optimising at theta_i +- h, Richardson's extrapolation; NaN outside the domain.
  [[nodiscard]] std::vector<double> differences(std::size_t i) const {
    const double h = 2e-3 * options_.temperature;
    std::array<std::vector<double>, 4> at;
    const std::array<double, 4> steps{h, -h, 2 * h, -2 * h};
    for (std::size_t k = 0; k < steps.size(); ++k) {
      std::vector<double> moved = theta_;
      moved[i] += steps[k];
      if (!parts_.family.violated(moved).empty()) return {};
      solvers::InSimOptions options = options_;
      options.start = nu_;
      options.tolerance = 1e-12;
      at[k] = solvers::in_sim_optimum(Simulated(parts_.family.at(moved), config_).mdp(), policies_, options).log_policy;
    }
    std::vector<double> d(at[0].size());
    for (std::size_t row = 0; row < d.size(); ++row) {
      const double near = (at[0][row] - at[1][row]) / (2 * h), far = (at[2][row] - at[3][row]) / (4 * h);
      d[row] = (4 * near - far) / 3;
    }
    return d;
  }

  /// What one parameter does.
  struct Move {
    solvers::SensitivityForward by;
    std::vector<double> d_policy = {};
    double d_world = 0.0;
    double local = not_computed;            ///< largest d log pi that D7 gives
    double local_error = 0.0;               ///< how far D7 is off
    std::optional<double> difference = {};  ///< largest deviation from differences, where they were made
  };

  [[nodiscard]] Move move(const solvers::PolicySensitivity& sensitivity, const solvers::PolicyGradient& in_world,
                          std::size_t i) const {
    std::vector<double> unit(theta_.size(), 0.0);
    unit[i] = 1.0;
    const solvers::EntryDirection direction = simulated_.spread(parts_.family.jvp(theta_, unit));
    Move m{.by = sensitivity.jvp(direction)};
    if (m.by.status == Status::refused) return m;
    const std::vector<double>& moved = m.by.log_policy;
    m.d_policy.resize(moved.size());
    for (std::size_t row = 0; row < moved.size(); ++row) {
      m.d_policy[row] = sensitivity.expansion().policy()[row] * moved[row];
      m.d_world += sign_ * in_world.logit_gradient[row] * moved[row];
    }
    if (options_.temperature > 0.0) {
      const std::vector<double> local = sensitivity.local_log_policy(direction);
      m.local = max_abs(local);
      m.local_error = max_gap(local, moved);
    }
    if (!command_.check) return m;
    const std::vector<double> quotient = differences(i);
    if (!quotient.empty()) m.difference = max_gap(quotient, moved);
    return m;
  }

  Status forward(const solvers::PolicySensitivity& sensitivity, const solvers::PolicyGradient& in_world,
                 std::string& message, Result& result, std::string& text) {
    std::vector<std::vector<double>> d_nu, d_policy;
    std::vector<double> d_world, checks;
    double d7_error = 0.0, most = 0.0;
    Table table({{"theta", Align::left}, {"d world value"}, {"largest d log pi"}, {"by D7"}});
    for (const std::int64_t parameter : chosen_) {
      Move m = move(sensitivity, in_world, static_cast<std::size_t>(parameter));
      if (m.by.status == Status::refused) {
        message = m.by.message;
        return Status::refused;
      }
      most = std::max(most, max_abs(m.by.log_policy));
      d7_error = std::max(d7_error, m.local_error);
      if (m.difference) checks.push_back(*m.difference);
      table.add({std::to_string(parameter), number_text(m.d_world), number_text(max_abs(m.by.log_policy)),
                 number_text(m.local)});
      d_nu.push_back(std::move(m.by.parameters));
      m.d_policy.resize(static_cast<std::size_t>(model_.n_rows()));  // of the first stage: all stages' are the same
      d_policy.push_back(std::move(m.d_policy));
      d_world.push_back(m.d_world);
    }
    result.set("parameters", chosen_);
    result.set("d_nu", std::move(d_nu));
    result.set("d_policy", std::move(d_policy));
    result.set("adjoint_defect", adjoint_defect(d_world));
    result.set("d_world_value", std::move(d_world));
    text += fmt::format("solved by  {}\n\n{}", sensitivity.message(), table.text());
    add_parts(sensitivity, result, text);
    if (options_.temperature > 0.0) {
      result.set("d7_error", d7_error);
      text += fmt::format("D7, local to each state, is off by {} of {}\n", number_text(d7_error), number_text(most));
    }
    return command_.check ? report_check(checks, most, message, result, text) : Status::converged;
  }

  static Status report_check(const std::vector<double>& errors, double most, std::string& message, Result& result,
                             std::string& text) {
    const double relative = max_abs(errors) / std::max(most, 1e-300);
    Result check;
    check.set("n_parameters", static_cast<std::int64_t>(errors.size()));
    check.set("max_error", max_abs(errors));
    check.set("max_relative_error", relative);
    check.set("agrees", relative <= 1e-5);
    result.set("check", std::move(check));
    text += fmt::format("check: differences of {} re-optimised policies are within {} of the largest\n", errors.size(),
                        bound_text(relative));
    if (relative <= 1e-5) return Status::converged;
    message = "finite differences contradict the derivatives";
    return Status::refused;
  }

  /// Largest difference of dJ/dtheta forward and by adjoint (D8), over the largest.
  [[nodiscard]] double adjoint_defect(const std::vector<double>& d_world) const {
    double most = 0.0, size = 0.0;
    for (std::size_t k = 0; k < chosen_.size(); ++k) {
      const double adjoint = sign_ * gradient_[static_cast<std::size_t>(chosen_[k])];
      most = std::max(most, std::abs(d_world[k] - adjoint));
      size = std::max(size, std::abs(adjoint));
    }
    return size > 0.0 ? most / size : most;
  }

  void add_parts(const solvers::PolicySensitivity& sensitivity, Result& result, std::string& text) const {
    if (policies_.n_parameters() > most_parameters_of_parts) return;
    const solvers::HessianParts parts = sensitivity.hessian_parts();
    Result sizes;
    sizes.set("total", max_abs(parts.total));
    sizes.set("fisher", max_abs(parts.fisher));
    sizes.set("advantage", max_abs(parts.advantage));
    sizes.set("cross", max_abs(parts.cross));
    sizes.set("entropy", max_abs(parts.entropy));
    text += fmt::format("largest entries of the Hessian {}: H1 {}, H2 {}, H12 {}, entropy {}\n",
                        number_text(max_abs(parts.total)), number_text(max_abs(parts.fisher)),
                        number_text(max_abs(parts.advantage)), number_text(max_abs(parts.cross)),
                        number_text(max_abs(parts.entropy)));
    result.set("hessian_parts", std::move(sizes));
  }

  const SensitivityCommand& command_;
  study::ExperimentParts parts_;
  std::vector<double> theta_;
  Mdp model_;
  study::PolicyConfig config_;
  Simulated simulated_;
  solvers::PolicyClass policies_;
  solvers::InSimOptions options_;
  double sign_ = 1.0;
  std::vector<double> nu_;
  std::vector<double> gradient_;
  std::vector<std::int64_t> chosen_;
};

int run_sensitivity(const SensitivityCommand& command, const CommonFlags& common) {
  require_writable(common);
  const study::Sim2RealConfig config = study::read_sim2real(command.config);
  std::vector<std::string> names;
  for (const auto& e : config.experiments) names.push_back(e.name);
  const std::string name = command.experiment.empty() ? names.front() : command.experiment;
  const auto at = std::ranges::find(names, name);
  if (at == names.end()) throw unknown_value("--experiment", name, names);
  Result result;
  std::string text;
  Sensitivities sensitivities(command, config, config.experiments[static_cast<std::size_t>(at - names.begin())],
                              common);
  const Status status = sensitivities.run(result, text);
  present(common, result, [&] { return text; });
  return exit_code_of(status);
}

}  // namespace

void add_sensitivity(Command& command) {
  const auto it = std::make_shared<SensitivityCommand>();
  CLI::App& parser = command.parser();
  parser.add_option("CONFIG", it->config, "A study of kind sim2real: its family and policy class")->required();
  parser.add_option("--experiment", it->experiment, "Which experiment [the first]")->type_name("NAME");
  parser.add_option("--parameters", it->parameters, "Positions in theta [those of the largest d world value]")
      ->delimiter(',')
      ->type_name("N,...");
  parser.add_option("--temperature", it->temperature, "Entropy weight in place of the study's")->type_name("B");
  parser.add_option("--path", it->path, "auto, dense (the Hessian formed), matrix-free (products with it)")
      ->type_name("NAME");
  parser.add_flag("--check", it->check, "Finite differences of re-optimised policies; exit code 1 where they disagree");
  command.add_common_flags();
  command.examples("  mdp sensitivity data/studies/sim2real.toml --experiment gridworld --check");
  command.run([it, &command] { return run_sensitivity(*it, command.common()); });
}

}  // namespace mdp::cli
