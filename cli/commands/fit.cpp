#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/entry_gradient.hpp"
#include "cli/exit_code.hpp"
#include "cli/fit_method.hpp"
#include "cli/model_file.hpp"
#include "cli/present.hpp"
#include "cli/result.hpp"
#include "cli/table.hpp"
#include "cli/usage.hpp"
#include "cli/value_tables.hpp"
#include "cli/verification.hpp"
#include "cli/watch.hpp"
#include "cli/world_and_model.hpp"
#include "equivalence/candidate.hpp"
#include "equivalence/constrained_fit.hpp"
#include "equivalence/correction.hpp"
#include "libmdp/error.hpp"
#include "libmdp/io/coordinates.hpp"
#include "libmdp/io/policy_file.hpp"
#include "libmdp/io/read.hpp"
#include "libmdp/io/transition_file.hpp"

namespace mdp::cli {
namespace {

struct FitCommand {
  WorldFlags world;
  std::string data, output;
  std::string support = "observed", unseen = "self-loop", rows = "deterministic";
  std::string clusters, groups, coordinates;
  std::vector<std::string> values;
  FitRequest request;
  std::int64_t pareto = 0;
  bool assess = true;
};

template <class Enum, std::size_t n>
Enum word(const std::string& option, const std::string& text, const std::array<std::string, n>& words,
          const std::array<Enum, n>& values) {
  const auto found = std::ranges::find(words, text);
  if (found == words.end()) throw unknown_value(option, text, words);
  return values[static_cast<std::size_t>(found - words.begin())];
}

// [n] labels 0, 1, … from a file of numbers.
template <class Label>
std::vector<Label> read_labels(const std::string& path, std::int64_t n) {
  std::vector<Label> labels;
  for (const double x : io::read_values(path, n)) {
    if (x < 0.0 || x != std::floor(x) || x > static_cast<double>(n)) {
      throw InputError(path, "entry " + std::to_string(labels.size()),
                       fmt::format("{} is no label; required an integer from 0 to {}", x, n));
    }
    labels.push_back(static_cast<Label>(x));
  }
  return labels;
}

std::vector<std::vector<double>> read_value_functions(const FitCommand& command, const Mdp& world,
                                                      const solvers::SolveResult& solved) {
  std::vector<std::vector<double>> values;
  for (const std::string& name : command.values) {
    if (name == "world") {
      values.push_back(solved.values);
    } else {
      values.push_back(in_sense(world.objective(), io::read_values(name, world.n_states())));
    }
  }
  return values;
}

FitRequest request_of(const FitCommand& command, const Mdp& world, const solvers::SolveResult& solved, int threads) {
  using equivalence::FitSupport;
  using equivalence::UnseenPair;
  using equivalence::ValueAwareRows;
  FitRequest request = command.request;
  request.threads = threads;
  request.options.support = word<FitSupport, 3>("--support", command.support, {"observed", "world", "all"},
                                                {FitSupport::observed, FitSupport::world, FitSupport::all_states});
  request.options.unseen =
      word<UnseenPair, 4>("--unseen", command.unseen, {"self-loop", "uniform", "world", "refuse"},
                          {UnseenPair::self_loop, UnseenPair::uniform, UnseenPair::world, UnseenPair::refuse});
  request.rows = word<ValueAwareRows, 2>("--rows", command.rows, {"deterministic", "support"},
                                         {ValueAwareRows::deterministic, ValueAwareRows::support});
  if (!command.clusters.empty()) request.cluster = read_labels<State>(command.clusters, world.n_states());
  if (!command.groups.empty()) request.group = read_labels<Offset>(command.groups, world.n_rows());
  if (!command.coordinates.empty()) {
    io::Coordinates points = io::read_coordinates(command.coordinates, world.n_states());
    request.coordinates = std::move(points.values);
    request.dimension = points.dimension;
  }
  request.values = read_value_functions(command, world, solved);
  return request;
}

/// A method's own flags must be there, and those of others must not.
void require_consistent(const FitCommand& command) {
  const std::string& method = command.request.method;
  const auto& methods = fit_methods();
  if (std::ranges::find(methods, method) == methods.end()) throw unknown_value("--method", method, methods);
  const auto only = [&](const char* option, bool given, bool needed, bool belongs) {
    if (needed && !given) throw UsageError(fmt::format("{} is required by --method {}", option, method));
    if (given && !belongs) throw UsageError(fmt::format("{}: not an option of --method {}", option, method));
  };
  only("--clusters", !command.clusters.empty(), method == "aggregated", method == "aggregated");
  only("--groups", !command.groups.empty(), method == "shared-rows", method == "shared-rows");
  only("--coordinates", !command.coordinates.empty(), method == "mean", method == "mean");
  only("--values", !command.values.empty(), false, method == "value-aware");
  only("--budget", command.request.budget != 0.0, false, method == "equivalent" && command.pareto == 0);
  only("--pareto", command.pareto != 0, false, method == "equivalent");
  if (command.pareto != 0 && !command.output.empty()) {
    throw UsageError("--output: --pareto prints a front, not a model; take one of its points with --budget");
  }
}

std::vector<Result> front_result(const std::vector<equivalence::ParetoPoint>& front) {
  std::vector<Result> points;
  for (const auto& point : front) {
    Result one;
    one.set("budget", point.budget);
    one.set("epsilon", point.epsilon);
    one.set("log_likelihood", point.log_likelihood);
    one.set("regret_lower", point.regret.lower);
    one.set("regret_upper", point.regret.upper);
    one.set("initial_regret", point.initial_regret);
    one.set("status", to_string(point.status));
    points.push_back(std::move(one));
  }
  return points;
}

std::string front_table(const std::vector<equivalence::ParetoPoint>& front) {
  Table table({{"budget"}, {"epsilon (T9)"}, {"log-likelihood"}, {"regret at most"}, {"status", Align::left}});
  for (const auto& point : front) {
    table.add({number_text(point.budget), bound_text(point.epsilon), number_text(point.log_likelihood),
               bound_text(point.regret.upper), std::string(to_string(point.status))});
  }
  return table.text();
}

int run_front(const FitCommand& command, const CommonFlags& common, const Mdp& world,
              const solvers::SolveResult& solved, const TransitionCounts& counts, const FitRequest& request) {
  const auto front = equivalence::pareto_front(world, solved, counts, {request.options, 0.0, common.threads},
                                               command.pareto, {command.world.solve().options(common)});
  const bool good = solved.converged() &&
                    std::ranges::all_of(front, [](const auto& point) { return point.status == Status::converged; });
  Result result;
  result.set("status", to_string(good ? Status::converged : Status::refused));
  result.set("method", request.method);
  result.set("objective", objective_word(world.objective()));
  result.set("discount", world.discount());
  result.set("front", front_result(front));
  present(common, result, [&] { return front_table(front); });
  return good ? exit_done : exit_not_met;
}

struct Assessed {
  Status status;
  std::string message;
  std::optional<equivalence::CandidateResult> candidate;
  double log_likelihood;
};

Result to_result(const Mdp& world, const FitRequest& request, const TransitionCounts& counts, const FittedModel& fitted,
                 const Assessed& assessed) {
  Result result;
  std::int64_t unseen = 0;
  for (Offset row = 0; row < world.n_rows(); ++row) {
    unseen += counts.successors(row).empty() ? 1 : 0;
  }
  result.set("status", to_string(assessed.status));
  result.set("message", assessed.message);
  result.set("method", request.method);
  result.set("criterion", "discounted");
  result.set("objective", objective_word(world.objective()));
  result.set("discount", world.discount());
  result.set("n_samples", counts.total());
  result.set("n_unseen_rows", unseen);
  result.set("n_transitions", std::int64_t{fitted.model.n_transitions()});
  result.set("log_likelihood", assessed.log_likelihood);
  if (assessed.candidate) {
    const auto& candidate = *assessed.candidate;
    result.set("epsilon", candidate.defect.epsilon);
    result.set("q_error_bound", candidate.distance.norm.upper);
    Result regret;
    regret.set("lower", candidate.max_regret.lower);
    regret.set("upper", candidate.max_regret.upper);
    result.set("regret", std::move(regret));
    result.set("initial_regret", candidate.initial_regret);
    result.set("policy", std::span<const Action>(candidate.model.policy));
  }
  result.set("transitions", per_transition(fitted.model, fitted.model.probability()));
  return result;
}

std::string tables(const Mdp& world, const FitRequest& request, const FittedModel& fitted, const Assessed& assessed) {
  Facts facts;
  facts.add("status", status_text(assessed.status, assessed.message));
  facts.add("method", request.method);
  facts.add("transitions",
            fmt::format("{} in {} rows", count_text(fitted.model.n_transitions()), count_text(world.n_rows())));
  facts.add("log-likelihood", number_text(assessed.log_likelihood) + " nats");
  if (assessed.candidate) {
    const auto& candidate = *assessed.candidate;
    facts.add("epsilon (T9)", bound_text(candidate.defect.epsilon));
    facts.add("|Q^* - Q*|", "<= " + bound_text(candidate.distance.norm.upper));
    facts.add("regret", fmt::format("between {} and {} in the worst state, {} at the start",
                                    number_text(candidate.max_regret.lower), bound_text(candidate.max_regret.upper),
                                    number_text(candidate.initial_regret)));
  }
  return facts.text();
}

int run_fit(const FitCommand& command, const CommonFlags& common) {
  require_consistent(command);
  if (!command.output.empty()) require_model_file(command.output);
  const solvers::SolveOptions options = command.world.solve().options(common);
  const Mdp world = command.world.world(common);
  const TransitionCounts counts = count_transitions(world, io::read_transitions(command.data, world));
  const solvers::SolveResult solved = command.world.solve_world(world, common);
  const FitRequest request = request_of(command, world, solved, common.threads);
  if (command.pareto != 0) return run_front(command, common, world, solved, counts, request);

  const FittedModel fitted = fit_by(request, world, solved, counts);
  Assessed assessed{fitted.status, fitted.message, {}, equivalence::log_likelihood(fitted.model, counts)};
  if (command.assess) {
    assessed.candidate = equivalence::assess_candidate(world, solved, fitted.model, {options});
    if (assessed.status == Status::converged && assessed.candidate->status != Status::converged) {
      assessed.status = assessed.candidate->status;
      assessed.message = assessed.candidate->message;
    }
    if (assessed.status == Status::converged && !solved.converged()) {
      assessed.status = solved.status;
      assessed.message = "the world: " + solved.message;
    }
  }
  if (!command.output.empty()) write_model(command.output, fitted.model);
  present(common, to_result(world, request, counts, fitted, assessed),
          [&] { return tables(world, request, fitted, assessed); });
  return exit_code_of(assessed.status);
}

void add_method_options(CLI::App& parser, FitCommand& it) {
  std::string names;
  for (const std::string& name : fit_methods()) names += (names.empty() ? "" : ", ") + name;
  parser.add_option("--method", it.request.method, names + " [maximum-likelihood]")->type_name("NAME");
  parser.add_option("--smoothing", it.request.options.smoothing, "Pseudo-count of every successor in the support [0]")
      ->type_name("A");
  parser.add_option("--support", it.support, "Successors of a row: observed, world, all [observed]")->type_name("NAME");
  parser
      .add_option("--unseen", it.unseen, "Pairs without data: self-loop, uniform, world (its row), refuse [self-loop]")
      ->type_name("NAME");
  parser.add_option("--k", it.request.k, "k-point: successors a row may have [2]")->type_name("K");
  parser.add_option("--clusters", it.clusters, "aggregated: file with the cluster of each state")->type_name("FILE");
  parser.add_option("--groups", it.groups, "shared-rows: file with the group of each row")->type_name("FILE");
  parser.add_option("--coordinates", it.coordinates, "mean: file with the point of each state")->type_name("FILE");
  parser.add_option("--values", it.values, "value-aware: files of values, or world [V* of the likely model]")
      ->type_name("FILE…");
  parser.add_option("--rows", it.rows, "value-aware: rows that are deterministic, or any on their support")
      ->type_name("NAME");
  parser.add_option("--iterations", it.request.iterations, "iterated-value-aware: most iterations [1000]")
      ->type_name("N");
  parser.add_option("--seed", it.request.seed, "posterior-sample: which draw [1]")->type_name("K");
  parser.add_option("--budget", it.request.budget, "equivalent: largest T9 epsilon of a row [0]")->type_name("E");
  parser.add_option("--pareto", it.pareto, "equivalent: the front of likelihood against epsilon at N budgets")
      ->type_name("N");
}

}  // namespace

void add_fit(Command& command) {
  const auto it = std::make_shared<FitCommand>();
  it->world.add_to(command, false);
  command.parser()
      .add_option("--data", it->data, "Transitions seen: .csv, .json or .npz (docs/formats.md)")
      ->required()
      ->type_name("D");
  add_method_options(command.parser(), *it);
  command.parser().add_flag("!--no-assess", it->assess, "Do not solve the fitted model");
  add_model_output(command, it->output);
  command.add_common_flags({.output = false});
  command.examples(
      "  mdp fit --world world.json --data seen.csv --output fitted.json\n"
      "  mdp fit --world world.json --data seen.csv --method equivalent --support all\n"
      "  mdp fit --world world.json --data seen.csv --method equivalent --support all --pareto 9");
  command.run([it, &command] { return run_fit(*it, command.common()); });
}

}  // namespace mdp::cli
