#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/criterion_flags.hpp"
#include "cli/entry_gradient.hpp"
#include "cli/finite_differences.hpp"
#include "cli/model_flags.hpp"
#include "cli/present.hpp"
#include "cli/result.hpp"
#include "cli/solve_flags.hpp"
#include "cli/table.hpp"
#include "cli/usage.hpp"
#include "cli/value_tables.hpp"
#include "cli/watch.hpp"
#include "equivalence/shape.hpp"
#include "solvers/criterion.hpp"
#include "solvers/derivative.hpp"
#include "solvers/finite_derivative.hpp"
#include "solvers/in_real_gradient.hpp"
#include "solvers/undiscounted_derivative.hpp"

namespace mdp::cli {
namespace {

using solvers::Criterion;

struct GradientCommand {
  std::string of = "value";
  std::string file, world, model;
  std::optional<double> temperature;
  std::vector<std::string> wrt;  // empty: everything that the criterion reads
  std::string convention;        // empty: raw, where that means something
  std::string at_ties = "refuse";
  bool check = false;
  std::int64_t checked_entries = 8;
  ModelFlags read;
  CriterionFlags criterion;
  SolveFlags solve;
};

solvers::EntryConvention convention_of(const GradientCommand& command, Criterion criterion) {
  static const std::array<std::string, 2> words = {"raw", "normalised"};
  const bool average = criterion == Criterion::average;
  if (command.convention.empty() && average) return solvers::EntryConvention::normalised;
  if (command.convention == words[1]) return solvers::EntryConvention::normalised;
  if (!command.convention.empty() && command.convention != words[0]) {
    throw unknown_value("--convention", command.convention, words);
  }
  if (average)
    throw UsageError("--convention raw: a row that misses 1 has no average cost, only normalised means anything");
  return solvers::EntryConvention::raw;
}

solvers::AtTies at_ties_of(const GradientCommand& command) {
  static const std::array<std::string, 3> words = {"refuse", "use-policy", "drop-duplicates"};
  if (command.at_ties == words[0]) return solvers::AtTies::refuse;
  if (command.at_ties == words[1]) return solvers::AtTies::use_policy;
  if (command.at_ties == words[2]) return solvers::AtTies::drop_duplicates;
  throw unknown_value("--at-ties", command.at_ties, words);
}

/// What is asked for, of what the criterion reads.
WithRespectTo parts_of(const GradientCommand& command, Criterion criterion) {
  static const std::array<std::string, 3> words = {"cost", "probability", "discount"};
  const WithRespectTo read{criterion != Criterion::reach, true,
                           criterion == Criterion::discounted || criterion == Criterion::finite};
  if (command.wrt.empty()) return read;
  WithRespectTo parts{false, false, false};
  const auto ask = [&](bool is_read, const std::string& word) {
    if (is_read) return true;
    throw UsageError(fmt::format("--wrt {}: criterion {} does not read it", word, to_string(criterion)));
  };
  for (const std::string& word : command.wrt) {
    if (word == words[0]) {
      parts.cost = ask(read.cost, word);
    } else if (word == words[1]) {
      parts.probability = true;
    } else if (word == words[2]) {
      parts.discount = ask(read.discount, word);
    } else {
      throw unknown_value("--wrt", word, words);
    }
  }
  return parts;
}

/// --check: difference quotients beside the derivatives, as a result and as a table. Whether they agree.
bool add_check(const GradientCommand& command, const Mdp& model, const solvers::EntryGradient& gradient,
               Criterion criterion, const ModelNumber& number, const DifferenceSteps& steps, Result& result,
               std::string& table) {
  if (!command.check) return true;
  const GradientCheck check = check_gradient(model, gradient, convention_of(command, criterion), number, steps,
                                             command.checked_entries, parts_of(command, criterion));
  result.set("check", to_result(model, check, model.objective()));
  table = "\n" + check_table(model, check, model.objective());
  return check.agrees();
}

std::vector<std::int64_t> tied_states(std::span<const solvers::Tie> ties) {
  std::vector<std::int64_t> states;
  for (const auto& tie : ties) states.push_back(tie.state);
  return states;
}

solvers::OptimumGradient gradient_by(const Mdp& mdp, const solvers::CriterionResult& solved,
                                     const solvers::DerivativeOptions& options) {
  switch (solved.criterion) {
    case Criterion::finite: return solvers::finite_optimum_gradient(mdp, solved, options);
    case Criterion::goal:
    case Criterion::reach: return solvers::until_goal_gradient(mdp, solved, options);
    case Criterion::average: return solvers::gain_optimum_gradient(mdp, solved, options);
    default: return solvers::optimum_gradient(mdp, solved, options);
  }
}

/// Small against what a probability is multiplied with: the time for which the process runs.
DifferenceSteps steps_for(const Mdp& mdp, Criterion criterion, const solvers::ReverseDerivative& found) {
  double time = 0.0;
  for (const double visits : found.adjoint) time += visits;
  return {.cost = 1e-5 * (mdp.max_abs_cost() > 0.0 ? mdp.max_abs_cost() : 1.0),
          .probability = std::min(2.5e-4, 1.0 / (256.0 * std::max(time, 1.0))),
          .discount = std::min(1.0 / 4096, criterion == Criterion::discounted ? (1.0 - mdp.discount()) / 256 : 1.0),
          .lost_is_goal = criterion == Criterion::goal};
}

/// D1: d(rho0 V*) with respect to the entries of one file; of the gain where the criterion is `average`.
int gradient_of_value(const GradientCommand& command, const CommonFlags& common) {
  if (command.file.empty()) throw UsageError("--of value needs --file M");
  if (!command.world.empty() || !command.model.empty() || command.temperature) {
    throw UsageError("--world, --model and --temperature belong to --of world-performance");
  }
  const solvers::SolveOptions options = command.solve.options(common);
  if (options.level != Level::certified)
    throw UsageError("--of value needs --level certified: ties are found by proved bounds");
  const Mdp mdp = command.read.read(command.file, common.threads);
  const Criterion criterion = command.criterion.choose(mdp, command.read);
  if (criterion == Criterion::total) {
    throw UsageError(
        "criterion total has no gradient: where the process stays for ever costs are 0, and any other cost there makes "
        "the "
        "sum infinite; name those states with --goal, and --criterion goal");
  }
  const WithRespectTo parts = parts_of(command, criterion);
  const solvers::DerivativeOptions derivative{convention_of(command, criterion), at_ties_of(command), common.threads,
                                              parts.probability};
  const solvers::CriterionOptions asked = command.criterion.options(mdp, options);
  const solvers::CriterionResult solved = [&] {
    Watch watch("solve", common, expected_half_width(mdp, options));
    return solvers::solve_criterion(mdp, criterion, command.criterion.options(mdp, watch.on(options)));
  }();
  solvers::OptimumGradient optimum = gradient_by(mdp, solved, derivative);
  solvers::ReverseDerivative& found = optimum.reverse;
  const bool average = criterion == Criterion::average;
  const bool differentiable = found.status != Status::refused && optimum.ties.empty() && !optimum.of_policy;
  const double value = initial_average(mdp, in_sense(mdp.objective(), average ? solved.gain : solved.values));
  const Status status = solved.converged() ? found.status : solved.status;
  std::string message = solved.converged() ? found.message : solved.message;
  if (status == Status::refused && !optimum.ties.empty())
    message += "; --at-ties use-policy or drop-duplicates answers another question";

  Result result;
  result.set("status", to_string(status));
  result.set("message", message);
  result.set("level", to_string(found.level));
  result.set("of", "value");
  result.set("criterion", to_string(criterion));
  command.criterion.describe(result, criterion);
  result.set("objective", objective_word(mdp.objective()));
  if (criterion == Criterion::discounted || criterion == Criterion::finite) result.set("discount", mdp.discount());
  result.set("convention", derivative.convention == solvers::EntryConvention::raw ? "raw" : "normalised");
  result.set(average ? "initial_gain" : "initial_value", value);
  result.set("differentiable", differentiable);
  result.set("tied_states", tied_states(optimum.ties));
  result.set("tie_margin", optimum.tie_margin);
  if (optimum.of_policy) result.set("of_policy", std::span<const Action>(solved.policy));
  const EntryErrors errors{found.cost_error_bound, found.probability_error_bound, found.discount_error_bound};
  const bool computed = found.status == Status::converged;
  bool agrees = true;
  std::string check;
  if (differentiable && computed) {
    agrees = add_check(command, mdp, found.gradient, criterion, optimal_performance(criterion, asked),
                       steps_for(mdp, criterion, found), result, check);
  }
  const solvers::EntryGradient gradient =
      computed ? solvers::in_sense(mdp.objective(), std::move(found.gradient)) : solvers::EntryGradient{};
  if (computed) add_gradient_to(result, mdp, gradient, errors, parts);
  present(common, result, [&] {
    Facts facts;
    facts.add("status", status_text(status, message));
    facts.add(average ? "gain" : "value", fmt::format("{} at the initial distribution, {}, {}", number_text(value),
                                                      to_string(criterion), objective_word(mdp.objective())));
    facts.add("ties", !optimum.ties.empty()
                          ? fmt::format("in {} states", count_text(static_cast<long long>(optimum.ties.size())))
                      : differentiable ? "none: differentiable here"
                                       : "none");
    if (!computed) {
      std::string text = facts.text();
      for (const auto& tie : optimum.ties) {
        text += fmt::format("tied: state {}, actions {}\n", state_label(mdp, tie.state), fmt::join(tie.actions, ", "));
      }
      return text;
    }
    return facts.text() + "\n" + gradient_tables(mdp, gradient, errors, parts) + check;
  });
  return solved.converged() && differentiable && agrees ? exit_code_of(found.status) : exit_code_of(Status::refused);
}

/// D8: dJ_world(pi_beta of the model) with respect to the entries of the model.
int gradient_of_world_performance(const GradientCommand& command, const CommonFlags& common) {
  if (command.world.empty() || command.model.empty())
    throw UsageError("--of world-performance needs --world W and --model M");
  if (!command.file.empty()) throw UsageError("--file belongs to --of value");
  if (!command.temperature) {
    throw UsageError(
        "--of world-performance needs --temperature B > 0: without entropy the model's policy has no derivative (D8)");
  }
  solvers::InRealOptions options;
  const solvers::SoftOptions soft = command.solve.soft_options(*command.temperature, common);
  options.soft = soft;
  options.convention = convention_of(command, Criterion::discounted);
  const WithRespectTo parts = parts_of(command, Criterion::discounted);
  const Mdp world = command.read.read(command.world, common.threads);
  command.criterion.require_discounted(world, command.read);
  const Mdp model = command.read.read(command.model, common.threads);
  command.criterion.require_discounted(model, command.read);
  equivalence::require_same_shape(world, model);
  solvers::InRealGradient found = [&] {
    Watch watch("solve model", common);
    options.soft = watch.on(soft);
    return solvers::in_real_gradient(world, model, options);
  }();

  const double sign = world.objective() == Objective::maximize ? -1.0 : 1.0;
  Result result;
  result.set("status", to_string(found.status));
  result.set("message", found.message);
  result.set("level", to_string(found.level));
  result.set("of", "world-performance");
  result.set("criterion", "discounted");
  result.set("objective", objective_word(world.objective()));
  result.set("discount", model.discount());
  result.set("temperature", *command.temperature);
  result.set("world_value", sign * found.performance);
  result.set("world_value_error_bound", found.performance_error_bound);
  const bool computed = found.status == Status::converged;
  result.set("differentiable", computed);
  result.set("tied_states", std::vector<std::int64_t>{});
  const EntryErrors errors{found.cost_error_bound, found.probability_error_bound, found.discount_error_bound};
  bool agrees = true;
  std::string check;
  if (computed) {
    const DifferenceSteps steps{.cost = 1e-2 * *command.temperature,
                                .probability = std::min(2.5e-4, (1.0 - model.discount()) / 64),
                                .discount = std::min(1.0 / 4096, (1.0 - model.discount()) / 256)};
    agrees = add_check(command, model, found.gradient, Criterion::discounted, world_performance(world, soft), steps,
                       result, check);
  }
  const solvers::EntryGradient gradient =
      computed ? solvers::in_sense(world.objective(), std::move(found.gradient)) : solvers::EntryGradient{};
  if (computed) add_gradient_to(result, model, gradient, errors, parts);
  present(common, result, [&] {
    Facts facts;
    facts.add("status", status_text(found.status, found.message));
    facts.add("world value",
              fmt::format("{} +/- {} of the model's soft policy, {}", number_text(sign * found.performance),
                          bound_text(found.performance_error_bound), objective_word(world.objective())));
    facts.add("temperature", number_text(*command.temperature));
    return facts.text() + (computed ? "\n" + gradient_tables(model, gradient, errors, parts) + check : "");
  });
  return agrees ? exit_code_of(found.status) : exit_code_of(Status::refused);
}

int run_gradient(const GradientCommand& command, const CommonFlags& common) {
  static const std::array<std::string, 2> words = {"value", "world-performance"};
  require_writable(common);
  if (command.checked_entries < 1) throw UsageError("--check-entries must be at least 1");
  if (command.of == words[0]) return gradient_of_value(command, common);
  if (command.of == words[1]) return gradient_of_world_performance(command, common);
  throw unknown_value("--of", command.of, words);
}

}  // namespace

void add_gradient(Command& command) {
  const auto it = std::make_shared<GradientCommand>();
  CLI::App& parser = command.parser();
  parser.add_option("FILE,--file", it->file, "The model whose optimal value is differentiated")->type_name("FILE");
  parser.add_option("--of", it->of, "value (of the initial distribution), or world-performance")->type_name("NAME");
  parser.add_option("--world", it->world, "The world in which the model's policy is paid")->type_name("W");
  parser.add_option("--model", it->model, "The model with respect to whose entries is differentiated")->type_name("M");
  parser.add_option("--temperature", it->temperature, "Entropy weight of the model's policy, > 0")->type_name("B");
  parser.add_option("--wrt", it->wrt, "cost, probability, discount [all that the criterion reads]")
      ->delimiter(',')
      ->type_name("NAME,...");
  parser
      .add_option("--convention", it->convention,
                  "raw: an entry moves alone; normalised: its row is divided by its sum [raw; normalised for average]")
      ->type_name("NAME");
  parser
      .add_option("--at-ties", it->at_ties,
                  "refuse; drop-duplicates: keep the first of rows equal in cost and successors; "
                  "use-policy: the derivative of the reported policy's value")
      ->type_name("NAME");
  parser.add_flag("--check", it->check, "Finite differences beside the exact numbers; exit code 1 where they disagree");
  parser.add_option("--check-entries", it->checked_entries, "Largest entries of each kind that --check looks at [8]")
      ->type_name("N");
  it->criterion.add_to(command, true);
  it->solve.add_to(command);
  it->read.add_to(command);
  command.add_common_flags();
  command.examples(
      "  mdp gradient --of value --file model.json --wrt cost,discount --check\n"
      "  mdp gradient --file data/cases/ssp_improper_start.json --criterion goal --json\n"
      "  mdp gradient --of world-performance --world world.json --model model.json --temperature 0.1 --json");
  command.run([it, &command] { return run_gradient(*it, command.common()); });
}

}  // namespace mdp::cli
