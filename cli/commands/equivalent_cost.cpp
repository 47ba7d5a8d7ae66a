#include "equivalence/equivalent_cost.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/cost_change_result.hpp"
#include "cli/exact_output.hpp"
#include "cli/iterated_correction.hpp"
#include "cli/model_file.hpp"
#include "cli/present.hpp"
#include "cli/result.hpp"
#include "cli/table.hpp"
#include "cli/usage.hpp"
#include "cli/value_tables.hpp"
#include "cli/verification.hpp"
#include "cli/watch.hpp"
#include "cli/world_and_model.hpp"
#include "equivalence/exact_cost.hpp"
#include "equivalence/soft_equivalence.hpp"
#include "equivalence/tail_effect.hpp"
#include "libmdp/io/exact_arrays.hpp"
#include "libmdp/io/read.hpp"

namespace mdp::cli {
namespace {

using solvers::Criterion;

const std::array<std::string, 5> model_criteria = {"discounted", "finite", "total", "goal", "average"};

struct EquivalentCostCommand {
  PairFlags pair;
  std::string output;
  bool exclude_violations = false;
  std::string model_criterion;
  std::optional<std::int64_t> model_horizon;
  std::string model_terminal;
  std::string stage = "0";
  std::string potential = "optimal";
  std::string slack = "advantage";
  std::string least_change;
  std::optional<double> margin;
  std::optional<double> temperature;
  std::optional<std::int64_t> iterate;

  const CLI::Option* level = nullptr;

  [[nodiscard]] bool is_shaped() const { return potential != "optimal" || slack != "advantage"; }
};

Result t1_result(const Mdp& world, const Mdp& model, const equivalence::EquivalentCostResult& found,
                 const Verified& verified, const SensedValues& values) {
  const Objective sense = world.objective();
  Result result = verified.head(found.level, found.scope, model);
  result.set_rows("cost", world, in_sense(sense, found.cost));
  result.set_rows("q", world, in_sense(sense, found.q));
  values.add_to(result);
  result.set("condition_number", found.condition_number);
  result.set("pair_condition_number", found.pair_condition_number);
  result.set("n_zero_cost", found.n_zero_cost);
  result.set("cost_error_bound", found.cost_error_bound);
  verified.add_to(result);
  result.set("technical_condition", condition_result(model, found));
  result.set("seconds", found.seconds);
  return result;
}

std::string t1_tables(const Mdp& world, const Mdp& model, const equivalence::EquivalentCostResult& found,
                      const Verified& verified) {
  Facts facts;
  facts.add("status", status_text(verified.status, verified.message));
  facts.add("level", std::string(to_string(found.level)));
  facts.add("scope", std::string(equivalence::to_string(found.scope)));
  facts.add("discounts", fmt::format("world {}, model {}; {}", world.discount(), model.discount(),
                                     objective_word(world.objective())));
  verified.add_to(facts);
  facts.add("cost error", "<= " + bound_text(found.cost_error_bound));
  facts.add("condition", fmt::format("{:.3g} = max |g E V*| / max |L^|", found.condition_number));
  facts.add("technical condition",
            found.n_violations == 0 ? "holds" : fmt::format("fails at {} pairs", found.n_violations));

  Table table(
      {{"state", Align::left}, {"action", Align::left}, {"equivalent cost"}, {"its cost before"}, {"Q* of the world"}});
  const Objective sense = world.objective();
  const auto cost = in_sense(sense, found.cost);
  const auto before = in_sense(sense, model.cost());
  const auto q = in_sense(sense, found.q);
  each_row_shown(world, table, [&](State s, Action a, std::size_t row) {
    return std::vector<std::string>{state_label(world, s), action_label(world, s, a), number_text(cost[row]),
                                    number_text(before[row]), number_text(q[row])};
  });
  return facts.text() + "\n" + table.text();
}

// The model with L^ in rationals, so that Q^* = Q* without an error; false if it was not written.
bool write_exactly(const EquivalentCostCommand& command, const CommonFlags& common, const Mdp& world) {
  if (!writes_exactly(command.output, command.level->count() > 0, world)) return false;
  const auto exact =
      equivalence::exact_equivalent_cost(command.pair.exact_world(common), command.pair.exact_model(common),
                                         command.pair.solve().options(common), max_exact_characters);
  return exact.status == Status::converged && write_exact_model(command.output, exact.model);
}

int run_t1(const EquivalentCostCommand& command, const CommonFlags& common, const Mdp& world, const Mdp& model) {
  const solvers::SolveOptions options = command.pair.solve().options(common);
  const solvers::SolveResult solved = command.pair.solve_world(world, common);
  const auto found = equivalence::equivalent_cost(
      world, solved, model, {.exclude_violations = command.exclude_violations, .threads = common.threads});
  const double tails = equivalence::cost_tail_effect(*found.model);
  const Verified verified =
      verify(world, solved, {found.status, found.message, found.scope, found.q_error_bound, &*found.model, tails},
             options, common);
  const bool exact = verified.status == Status::converged && found.scope == equivalence::Scope::all_pairs &&
                     write_exactly(command, common, world);
  if (!exact && !command.output.empty()) write_model(command.output, *found.model);
  const SensedValues values(world.objective(), solved.values, solved.value_lower, solved.value_upper);
  Result result = t1_result(world, model, found, verified, values);
  if (!command.output.empty()) result.set("output_exact", exact);
  present(common, result, [&] {
    return t1_tables(world, model, found, verified) +
           (exact ? "\n" + command.output + ": the cost in exact rationals\n" : "");
  });
  return exit_code_of(verified.status);
}

// The model's criterion: the flag's; else discounted if the model is, else the world's own if that does not discount, else total.
Criterion model_criterion(const EquivalentCostCommand& command, Criterion from, const Mdp& model) {
  if (command.model_criterion.empty()) {
    if (model.discount() < 1.0) return Criterion::discounted;
    return from == Criterion::discounted ? Criterion::total : from;
  }
  if (std::ranges::find(model_criteria, command.model_criterion) == model_criteria.end()) {
    throw unknown_value("--model-criterion", command.model_criterion, model_criteria);
  }
  return solvers::criterion_from_string(command.model_criterion);
}

std::int64_t stage_of(const EquivalentCostCommand& command, Criterion from, Criterion to) {
  if (command.stage != "0" && from != Criterion::finite)
    throw UsageError("--stage belongs to --world-criterion finite");
  if (command.stage == "all") {
    if (to == Criterion::finite) return 0;
    throw UsageError(
        "--stage all: a stationary model carries the Q* of one stage; --model-criterion finite carries them all (T3)");
  }
  std::int64_t stage = 0;
  const auto [end, error] = std::from_chars(command.stage.data(), command.stage.data() + command.stage.size(), stage);
  if (error != std::errc{} || end != command.stage.data() + command.stage.size()) {
    throw UsageError(fmt::format("--stage {}: a stage is a number from 0, or all", command.stage));
  }
  return stage;
}

int run_criteria(const EquivalentCostCommand& command, const CommonFlags& common, const Mdp& world, const Mdp& model,
                 Criterion from, Criterion to) {
  equivalence::CriterionChangeOptions options;
  options.criterion = to;
  options.exclude_violations = command.exclude_violations;
  if (to == Criterion::finite && !command.model_horizon)
    throw UsageError("--model-criterion finite needs --model-horizon N");
  if (command.model_horizon) options.horizon = *command.model_horizon;
  if (!command.model_terminal.empty()) {
    options.terminal = in_sense(world.objective(), io::read_values(command.model_terminal, world.n_states()));
  }
  const solvers::SolveOptions solve = command.pair.solve().options(common);
  const std::int64_t stage = stage_of(command, from, to);
  const auto found = [&] {
    Watch watch("solve world and model", common);
    options.solve = watch.on(solve);
    const auto world_options = command.pair.world_options(world, options.solve);
    const auto target = equivalence::world_target(world, from, world_options, stage);
    return equivalence::change_criterion(world, target, world_options, model, options);
  }();
  if (!command.output.empty() && found.model) write_model(command.output, *found.model);
  present(common, to_result(world, model, from, to, found), [&] { return tables(world, model, from, to, found); });
  return exit_code_of(found.status);
}

// What T1 in doubles says of a cost made in rationals: TC(a), a question of the graph, and the digits that doubles would lose.
void add_condition(Result& result, const Mdp& world, const Mdp& model, const equivalence::ExactTarget& target) {
  std::vector<double> values, lower, upper;
  for (const io::Extended& v : target.values) {
    values.push_back(io::nearest(v));
    lower.push_back(io::round_down(v));
    upper.push_back(io::round_up(v));
  }
  const auto found = equivalence::equivalent_cost(world, equivalence::KnownValues(values, lower, upper), model);
  result.set("condition_number", found.condition_number);
  result.set("technical_condition", condition_result(model, found));
}

// What --potential and --slack make of a target (T4), as written.
equivalence::ExactTarget shaped_target(const EquivalentCostCommand& command, const io::ExactModel& world,
                                       const equivalence::ExactTarget& target) {
  std::vector<io::Extended> potential, slack;
  if (command.potential == "zero") potential.assign(target.values.size(), io::Extended(mpq_class(0)));
  if (command.potential != "zero" && command.potential != "optimal")
    potential = io::in_sense(world.objective, io::read_exact_values(command.potential, world.n_states));
  if (command.slack != "advantage")
    slack = io::read_exact_values(command.slack, static_cast<std::int64_t>(world.rows.size()));
  return equivalence::shaped_target(world, target, potential, slack);
}

// T1 to T4 in rationals.
int run_exact(const EquivalentCostCommand& command, const CommonFlags& common, const Mdp& world, const Mdp& model,
              Criterion from, Criterion to) {
  if (!command.least_change.empty()) {
    throw UsageError("--level exact makes the cost of T1 to T4; --least-change is made in doubles, with certificates");
  }
  if (command.exclude_violations || !command.model_terminal.empty()) {
    throw UsageError(
        "--level exact: not with --exclude-violations or --model-terminal, whose costs are made in doubles");
  }
  if (to == Criterion::finite && !command.model_horizon)
    throw UsageError("--model-criterion finite needs --model-horizon N");
  const solvers::SolveOptions solve = command.pair.solve().options(common);
  const auto level = command.pair.exact_options(solve);
  solvers::ExactOptions options{.criterion = level.criterion};
  if (!level.terminal_path.empty()) {
    options.terminal = io::in_sense(world.objective(), io::read_exact_values(level.terminal_path, world.n_states()));
  }
  const io::ExactModel exact_world = command.pair.exact_world(common);
  const auto own = equivalence::exact_target(exact_world, from, options, stage_of(command, from, to));
  const bool shaped = command.is_shaped() && own.status == Status::converged;
  const auto target = shaped ? shaped_target(command, exact_world, own) : own;
  auto found = equivalence::exact_criterion_change(target, command.pair.exact_model(common), to, solve,
                                                   command.model_horizon.value_or(1));
  if (shaped && found.status == Status::converged) found.message = "V^* = Phi and Q^* = Phi + B exactly (T4)";
  if (!command.output.empty() && found.status == Status::converged) {
    const bool as_text = command.output.ends_with(".json") && write_exact_model(command.output, found.model);
    if (!as_text) write_model(command.output, io::nearest_mdp(found.model));
  }
  Result result = to_result(world, from, to, target, found);
  if (shaped) {
    result.set("keeps_optimal_sets", equivalence::same_optimal_sets(exact_world, own, target) ? "yes" : "no");
  } else if (from == Criterion::discounted && target.status == Status::converged) {
    add_condition(result, world, to == Criterion::discounted ? model : model.with_discount(1.0), target);
  }
  present(common, result, [&] { return tables(world, model, from, to, found); });
  return exit_code_of(found.status);
}

int run_shaped(const EquivalentCostCommand& command, const CommonFlags& common, const Mdp& world, const Mdp& model) {
  equivalence::PotentialCostOptions options;
  options.solve = command.pair.solve().options(common);
  const auto n = static_cast<std::size_t>(world.n_states());
  if (command.potential == "zero") options.potential.assign(n, 0.0);
  if (command.potential != "zero" && command.potential != "optimal") {
    options.potential = in_sense(world.objective(), io::read_values(command.potential, world.n_states()));
  }
  if (command.slack != "advantage") options.slack = io::read_values(command.slack, world.n_rows());
  const solvers::SolveResult solved = command.pair.solve_world(world, common);
  const auto found = equivalence::potential_cost(world, solved, model, options);
  if (!command.output.empty()) write_model(command.output, *found.model);
  present(common, to_result(world, model, found), [&] { return tables(world, model, found); });
  return exit_code_of(found.status);
}

int run_least_change(const EquivalentCostCommand& command, const CommonFlags& common, const Mdp& world,
                     const Mdp& model) {
  equivalence::LeastChangeOptions options;
  options.norm = equivalence::change_norm_from_string(command.least_change);
  options.margin = command.margin.value_or(0.0);
  options.solve = command.pair.solve().options(common);
  const solvers::SolveResult solved = command.pair.solve_world(world, common);
  const auto found = equivalence::least_change(world, solved, model, options);
  if (!command.output.empty() && found.model) write_model(command.output, *found.model);
  present(common, to_result(world, model, options, found), [&] { return tables(world, model, options, found); });
  return exit_code_of(found.status);
}

// T1 for entropy-regularised values.
int run_soft(const EquivalentCostCommand& command, const CommonFlags& common, const Mdp& world, const Mdp& model) {
  const solvers::SoftOptions options = command.pair.solve().soft_options(*command.temperature, common);
  const auto solved = solvers::solve_soft(world, options);
  const auto found = equivalence::soft_equivalent_cost(world, solved, model, options);
  if (!command.output.empty() && found.model) write_model(command.output, *found.model);
  present(common, to_result(world, model, *command.temperature, found), [&] { return tables(world, model, found); });
  return exit_code_of(found.status);
}

// Each way of making a cost has flags of its own.
void require_compatible(const EquivalentCostCommand& command, Criterion from, Criterion to) {
  const int n_ways = (command.least_change.empty() ? 0 : 1) + (command.is_shaped() ? 1 : 0) +
                     (command.temperature ? 1 : 0) + (command.iterate ? 1 : 0);
  if ((command.temperature || command.iterate) && n_ways > 1) {
    throw UsageError(
        "--temperature, --iterate, --least-change and --potential or --slack are different costs: one of them");
  }
  if ((command.temperature || command.iterate) && (from != Criterion::discounted || to != Criterion::discounted ||
                                                   command.exclude_violations || command.pair.solve().exact())) {
    throw UsageError(
        "--temperature and --iterate belong to the discounted criterion of world and model, without "
        "--exclude-violations "
        "and --level exact");
  }
  const bool least = !command.least_change.empty();
  const bool discounted = from == Criterion::discounted && to == Criterion::discounted;
  if (least && command.is_shaped())
    throw UsageError("--least-change finds its own potential: not with --potential or --slack");
  if ((least || command.is_shaped()) && !discounted) {
    throw UsageError(
        "--potential, --slack and --least-change belong to the discounted criterion of world and model (T4, T5)");
  }
  if ((least || command.is_shaped()) && command.exclude_violations) {
    throw UsageError(
        "--exclude-violations belongs to the equivalent cost itself: not with --potential, --slack or --least-change");
  }
  if (command.margin && !least) throw UsageError("--margin belongs to --least-change");
  if (to != Criterion::finite && (command.model_horizon || !command.model_terminal.empty())) {
    throw UsageError("--model-horizon and --model-terminal belong to --model-criterion finite");
  }
}

int run_equivalent_cost(const EquivalentCostCommand& command, const CommonFlags& common) {
  if (!command.output.empty()) require_model_file(command.output);
  static_cast<void>(command.pair.solve().options(common));
  const Mdp world = command.pair.world(common);
  const Criterion from = command.pair.world_criterion(world);
  const Mdp model = command.pair.model(world, common);
  const Criterion to = model_criterion(command, from, model);
  require_compatible(command, from, to);
  if (command.iterate) {
    return run_iterated_correction(command.pair, common, world, model, equivalence::Correction::cost, *command.iterate,
                                   command.output);
  }
  if (command.temperature) return run_soft(command, common, world, model);
  if (command.pair.solve().exact()) return run_exact(command, common, world, model, from, to);
  if (!command.least_change.empty()) return run_least_change(command, common, world, model);
  if (command.is_shaped()) return run_shaped(command, common, world, model);
  const bool t1 = from == Criterion::discounted && to == Criterion::discounted && model.discount() < 1.0;
  return t1 ? run_t1(command, common, world, model) : run_criteria(command, common, world, model, from, to);
}

}  // namespace

void add_equivalent_cost(Command& command) {
  const auto it = std::make_shared<EquivalentCostCommand>();
  it->pair.add_to(command, "--model", true, true);
  it->pair.allow_exact();
  it->level = command.parser().get_option("--level");
  CLI::App& parser = command.parser();
  parser.add_option("--stage", it->stage, "Finite world: the stage whose Q* a stationary model gets [0], or all")
      ->type_name("K");
  parser.add_option("--model-criterion", it->model_criterion, "discounted, finite, total, goal or average (T3)")
      ->type_name("NAME");
  parser.add_option("--model-horizon", it->model_horizon, "Stages of a finite model")->type_name("N");
  parser.add_option("--model-terminal", it->model_terminal, "Terminal cost of a finite model [V* of the world]")
      ->type_name("FILE");
  parser.add_option("--potential", it->potential, "Values of the model: optimal [V*], zero, or a file (T4)")
      ->type_name("P");
  parser.add_option("--slack", it->slack, "advantage [A*], or a file: n_rows numbers, 0 at optimal actions (T4)")
      ->type_name("B");
  parser.add_option("--least-change", it->least_change, "The cost nearest the model's own, in l1, l2 or linf (T5)")
      ->type_name("NORM");
  parser.add_option("--margin", it->margin, "With --least-change: by how much other actions are worse [0]")
      ->type_name("D");
  parser
      .add_option("--temperature", it->temperature, "Entropy weight B > 0: the cost with the world's soft values (T1)")
      ->type_name("B");
  parser
      .add_option("--iterate", it->iterate,
                  "As if Q* were not known: at most N times, correct the cost with the current V and solve the model")
      ->type_name("N");
  command.parser().add_flag("--exclude-violations", it->exclude_violations,
                            "Where no equivalent cost exists and the pair is not optimal: cost inf there");
  add_model_output(command, it->output);
  command.add_common_flags({.output = false});
  command.examples(
      "  mdp equivalent-cost --world world.json --model model.json --output corrected.json\n"
      "  mdp equivalent-cost --world world.json --model model.json --discount-model 0 --json\n"
      "  mdp equivalent-cost --world world.json --model model.json --model-criterion average\n"
      "  mdp equivalent-cost --world world.json --model model.json --level exact --json\n"
      "  mdp equivalent-cost --world world.json --model model.json --least-change l2 --margin 0.1");
  command.run([it, &command] { return run_equivalent_cost(*it, command.common()); });
}

}  // namespace mdp::cli
