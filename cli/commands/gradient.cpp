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

/// What --check compares with, a number of the model and the steps of its quotients.
struct Comparison {
  ModelNumber number;
  DifferenceSteps steps;
};

struct GradientTables {
  std::string text;
  bool agrees = true;  // what --check found
};

/// Writes the gradient with respect to the entries of `model`, in the sense of `objective`, and what --check makes of it
/// (nothing to compare with: no check).
GradientTables add_tables(const GradientCommand& command, const Mdp& model, Criterion criterion, Objective objective,
                          solvers::EntryGradient&& found, const EntryErrors& errors,
                          const std::optional<Comparison>& comparison, Result& result) {
  GradientTables tables;
  const WithRespectTo parts = parts_of(command, criterion);
  std::string check_text;
  if (command.check && comparison) {
    const GradientCheck check = check_gradient(model, found, convention_of(command, criterion), comparison->number,
                                               comparison->steps, command.checked_entries, parts);
    result.set("check", to_result(model, check, model.objective()));
    check_text = "\n" + check_table(model, check, model.objective());
    tables.agrees = check.agrees();
  }
  const solvers::EntryGradient gradient = solvers::in_sense(objective, std::move(found));
  add_gradient_to(result, model, gradient, errors, parts);
  tables.text = "\n" + gradient_tables(model, gradient, errors, parts) + check_text;
  return tables;
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

solvers::SolveOptions options_of_value(const GradientCommand& command, const CommonFlags& common) {
  if (command.file.empty()) throw UsageError("--of value needs --file M");
  if (!command.world.empty() || !command.model.empty() || command.temperature) {
    throw UsageError("--world, --model and --temperature belong to --of world-performance");
  }
  solvers::SolveOptions options = command.solve.options(common);
  if (options.level != Level::certified)
    throw UsageError("--of value needs --level certified: ties are found by proved bounds");
  return options;
}

void require_differentiable(Criterion criterion) {
  if (criterion != Criterion::total) return;
  throw UsageError(
      "criterion total has no gradient: where the process stays for ever costs are 0, and any other cost there makes "
      "the "
      "sum infinite; name those states with --goal, and --criterion goal");
}

std::string tie_lines(const Mdp& mdp, std::span<const solvers::Tie> ties) {
  std::string text;
  for (const auto& tie : ties) {
    text += fmt::format("tied: state {}, actions {}\n", state_label(mdp, tie.state), fmt::join(tie.actions, ", "));
  }
  return text;
}

/// An optimum and its derivative, as one answer.
struct ValueAnswer {
  solvers::CriterionResult solved;
  solvers::OptimumGradient optimum;

  [[nodiscard]] bool differentiable() const {
    return optimum.reverse.status != Status::refused && optimum.ties.empty() && !optimum.of_policy;
  }
  [[nodiscard]] Status status() const { return solved.converged() ? optimum.reverse.status : solved.status; }
  [[nodiscard]] std::string message() const {
    const std::string& said = solved.converged() ? optimum.reverse.message : solved.message;
    return status() == Status::refused && !optimum.ties.empty()
               ? said + "; --at-ties use-policy or drop-duplicates answers another question"
               : said;
  }
  [[nodiscard]] bool average() const { return solved.criterion == Criterion::average; }
  /// Of the initial distribution, in the file's sense.
  [[nodiscard]] double value(const Mdp& mdp) const {
    return initial_average(mdp, in_sense(mdp.objective(), average() ? solved.gain : solved.values));
  }
};

Result to_result(const GradientCommand& command, const Mdp& mdp, const ValueAnswer& answer) {
  const Criterion criterion = answer.solved.criterion;
  Result result;
  result.set("status", to_string(answer.status()));
  result.set("message", answer.message());
  result.set("level", to_string(answer.optimum.reverse.level));
  result.set("of", "value");
  result.set("criterion", to_string(criterion));
  command.criterion.describe(result, criterion);
  result.set("objective", objective_word(mdp.objective()));
  if (criterion == Criterion::discounted || criterion == Criterion::finite) result.set("discount", mdp.discount());
  const bool raw = convention_of(command, criterion) == solvers::EntryConvention::raw;
  result.set("convention", raw ? "raw" : "normalised");
  result.set(answer.average() ? "initial_gain" : "initial_value", answer.value(mdp));
  result.set("differentiable", answer.differentiable());
  result.set("tied_states", tied_states(answer.optimum.ties));
  result.set("tie_margin", answer.optimum.tie_margin);
  if (answer.optimum.of_policy) result.set("of_policy", std::span<const Action>(answer.solved.policy));
  return result;
}

std::string facts_of(const Mdp& mdp, const ValueAnswer& answer) {
  Facts facts;
  facts.add("status", status_text(answer.status(), answer.message()));
  facts.add(answer.average() ? "gain" : "value",
            fmt::format("{} at the initial distribution, {}, {}", number_text(answer.value(mdp)),
                        to_string(answer.solved.criterion), objective_word(mdp.objective())));
  const auto n_ties = static_cast<long long>(answer.optimum.ties.size());
  facts.add("ties", n_ties > 0                ? fmt::format("in {} states", count_text(n_ties))
                    : answer.differentiable() ? "none: differentiable here"
                                              : "none");
  return facts.text();
}

/// D1: d(rho0 V*) with respect to the entries of one file; of the gain where the criterion is `average`.
int gradient_of_value(const GradientCommand& command, const CommonFlags& common) {
  const solvers::SolveOptions options = options_of_value(command, common);
  const Mdp mdp = command.read.read(command.file, common.threads);
  const Criterion criterion = command.criterion.choose(mdp, command.read);
  require_differentiable(criterion);
  const solvers::DerivativeOptions derivative{convention_of(command, criterion), at_ties_of(command), common.threads,
                                              parts_of(command, criterion).probability};
  ValueAnswer answer;
  answer.solved = [&] {
    Watch watch("solve", common, expected_half_width(mdp, options));
    return solvers::solve_criterion(mdp, criterion, command.criterion.options(mdp, watch.on(options)));
  }();
  answer.optimum = gradient_by(mdp, answer.solved, derivative);
  solvers::ReverseDerivative& found = answer.optimum.reverse;
  const bool differentiable = answer.differentiable();

  Result result = to_result(command, mdp, answer);
  GradientTables tables;
  if (found.status == Status::converged) {
    std::optional<Comparison> comparison;
    if (differentiable) {
      comparison = {optimal_performance(criterion, command.criterion.options(mdp, options)),
                    steps_for(mdp, criterion, found)};
    }
    tables = add_tables(command, mdp, criterion, mdp.objective(), std::move(found.gradient),
                        {found.cost_error_bound, found.probability_error_bound, found.discount_error_bound}, comparison,
                        result);
  } else {
    tables.text = tie_lines(mdp, answer.optimum.ties);
  }
  present(common, result, [&] { return facts_of(mdp, answer) + tables.text; });
  return answer.solved.converged() && differentiable && tables.agrees ? exit_code_of(found.status)
                                                                      : exit_code_of(Status::refused);
}

double world_value(const Mdp& world, const solvers::InRealGradient& found) {
  return world.objective() == Objective::maximize ? -found.performance : found.performance;
}

void require_flags_of_world_performance(const GradientCommand& command) {
  if (command.world.empty() || command.model.empty())
    throw UsageError("--of world-performance needs --world W and --model M");
  if (!command.file.empty()) throw UsageError("--file belongs to --of value");
  if (!command.temperature) {
    throw UsageError(
        "--of world-performance needs --temperature B > 0: without entropy the model's policy has no derivative (D8)");
  }
}

Result to_result(const GradientCommand& command, const Mdp& world, const Mdp& model,
                 const solvers::InRealGradient& found) {
  Result result;
  result.set("status", to_string(found.status));
  result.set("message", found.message);
  result.set("level", to_string(found.level));
  result.set("of", "world-performance");
  result.set("criterion", "discounted");
  result.set("objective", objective_word(world.objective()));
  result.set("discount", model.discount());
  result.set("temperature", *command.temperature);
  result.set("world_value", world_value(world, found));
  result.set("world_value_error_bound", found.performance_error_bound);
  result.set("differentiable", found.status == Status::converged);
  result.set("tied_states", std::vector<std::int64_t>{});
  return result;
}

/// D8: dJ_world(pi_beta of the model) with respect to the entries of the model.
int gradient_of_world_performance(const GradientCommand& command, const CommonFlags& common) {
  require_flags_of_world_performance(command);
  solvers::InRealOptions options;
  const solvers::SoftOptions soft = command.solve.soft_options(*command.temperature, common);
  options.convention = convention_of(command, Criterion::discounted);
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

  Result result = to_result(command, world, model, found);
  GradientTables tables;
  if (found.status == Status::converged) {
    const DifferenceSteps steps{.cost = 1e-2 * *command.temperature,
                                .probability = std::min(2.5e-4, (1.0 - model.discount()) / 64),
                                .discount = std::min(1.0 / 4096, (1.0 - model.discount()) / 256)};
    tables = add_tables(command, model, Criterion::discounted, world.objective(), std::move(found.gradient),
                        {found.cost_error_bound, found.probability_error_bound, found.discount_error_bound},
                        Comparison{world_performance(world, soft), steps}, result);
  }
  present(common, result, [&] {
    Facts facts;
    facts.add("status", status_text(found.status, found.message));
    facts.add("world value",
              fmt::format("{} +/- {} of the model's soft policy, {}", number_text(world_value(world, found)),
                          bound_text(found.performance_error_bound), objective_word(world.objective())));
    facts.add("temperature", number_text(*command.temperature));
    return facts.text() + tables.text;
  });
  return tables.agrees ? exit_code_of(found.status) : exit_code_of(Status::refused);
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
