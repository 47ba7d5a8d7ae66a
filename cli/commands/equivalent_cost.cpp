#include "equivalence/equivalent_cost.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/model_file.hpp"
#include "cli/present.hpp"
#include "cli/result.hpp"
#include "cli/table.hpp"
#include "cli/value_tables.hpp"
#include "cli/verification.hpp"
#include "cli/world_and_model.hpp"

namespace mdp::cli {
namespace {

struct EquivalentCostCommand {
  PairFlags pair;
  std::string output;
  bool exclude_violations = false;
};

Result violation_result(const Mdp& model, const equivalence::Violation& violation) {
  const State s = model.state_of(violation.row);
  Result result;
  result.set("state", std::int64_t{s});
  result.set("action", violation.row - model.state_rows()[static_cast<std::size_t>(s)]);
  result.set("next_state", std::int64_t{violation.next});
  result.set("probability", violation.probability);
  result.set("maybe_optimal", violation.maybe_optimal);
  result.set("reachable", violation.reachable);
  Result::Entries path{2, {}, {}};
  for (const auto& step : violation.path) path.positions.insert(path.positions.end(), {step.state, step.action});
  result.set("path", std::move(path));
  return result;
}

Result condition_result(const Mdp& model, const equivalence::EquivalentCostResult& found) {
  std::vector<Result> violations;
  for (const auto& violation : found.violations) violations.push_back(violation_result(model, violation));
  Result result;
  result.set("holds", found.n_violations == 0);
  result.set("n_violations", found.n_violations);
  result.set("violations", std::move(violations));
  return result;
}

Result to_result(const Mdp& world, const Mdp& model, const equivalence::EquivalentCostResult& found,
                 const Verified& verified, const SensedValues& values) {
  const Objective sense = world.objective();
  Result result;
  result.set("status", to_string(verified.status));
  result.set("message", verified.message);
  result.set("level", to_string(found.level));
  result.set("scope", equivalence::to_string(found.scope));
  result.set("criterion", "discounted");
  result.set("objective", objective_word(sense));
  result.set("discount", model.discount());
  result.set_rows("cost", world, in_sense(sense, found.cost));
  result.set_rows("q", world, in_sense(sense, found.q));
  values.add_to(result);
  result.set("condition_number", found.condition_number);
  result.set("n_zero_cost", found.n_zero_cost);
  result.set("cost_error_bound", found.cost_error_bound);
  verified.add_to(result);
  result.set("technical_condition", condition_result(model, found));
  result.set("seconds", found.seconds);
  return result;
}

std::string tables(const Mdp& world, const Mdp& model, const equivalence::EquivalentCostResult& found,
                   const Verified& verified) {
  Facts facts;
  facts.add("status", status_text(verified.status, verified.message));
  facts.add("level", std::string(to_string(found.level)));
  facts.add("scope", std::string(equivalence::to_string(found.scope)));
  facts.add("discounts", fmt::format("world {}, model {}; {}", world.discount(), model.discount(),
                                     objective_word(world.objective())));
  verified.add_to(facts);
  facts.add("cost error", "<= " + bound_text(found.cost_error_bound));
  facts.add("condition", fmt::format("{:.3g} = max |g E V*| / |L^|", found.condition_number));
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

int run_equivalent_cost(const EquivalentCostCommand& command, const CommonFlags& common) {
  if (!command.output.empty()) require_model_file(command.output);
  const solvers::SolveOptions options = command.pair.solve().options(common);
  const Mdp world = command.pair.world(common);
  const Mdp model = command.pair.model(world, common);
  const solvers::SolveResult solved = command.pair.solve_world(world, common);
  const auto found = equivalence::equivalent_cost(
      world, solved, model, {.exclude_violations = command.exclude_violations, .threads = common.threads});
  const Verified verified = verify(
      world, solved, {found.status, found.message, found.scope, found.q_error_bound, &*found.model}, options, common);
  if (!command.output.empty()) write_model(command.output, *found.model);
  const SensedValues values(world.objective(), solved.values, solved.value_lower, solved.value_upper);
  present(common, to_result(world, model, found, verified, values),
          [&] { return tables(world, model, found, verified); });
  return exit_code_of(verified.status);
}

}  // namespace

void add_equivalent_cost(Command& command) {
  const auto it = std::make_shared<EquivalentCostCommand>();
  it->pair.add_to(command, "--model", true);
  command.parser().add_flag("--exclude-violations", it->exclude_violations,
                            "Where no equivalent cost exists and the pair is not optimal: cost inf there");
  add_model_output(command, it->output);
  command.add_common_flags({.output = false});
  command.examples(
      "  mdp equivalent-cost --world world.json --model model.json --output corrected.json\n"
      "  mdp equivalent-cost --world world.json --model model.json --discount-model 0 --json");
  command.run([it, &command] { return run_equivalent_cost(*it, command.common()); });
}

}  // namespace mdp::cli
