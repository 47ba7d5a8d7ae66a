#include "equivalence/equivalent_model.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/entry_gradient.hpp"
#include "cli/model_file.hpp"
#include "cli/present.hpp"
#include "cli/result.hpp"
#include "cli/table.hpp"
#include "cli/usage.hpp"
#include "cli/value_tables.hpp"
#include "cli/verification.hpp"
#include "cli/world_and_model.hpp"

namespace mdp::cli {
namespace {

struct EquivalentModelCommand {
  PairFlags pair;
  std::string output;
  std::string divergence = "kl";
  std::string support = "reference";
};

void require_available(const EquivalentModelCommand& command) {
  static const std::array<std::string, 9> divergences = {"kl", "reverse-kl",  "likelihood", "chi2",         "l2",
                                                         "l1", "wasserstein", "sparsest",   "deterministic"};
  static const std::array<std::string, 4> supports = {"world", "reference", "union", "all"};
  if (std::ranges::find(divergences, command.divergence) == divergences.end()) {
    throw unknown_value("--divergence", command.divergence, divergences);
  }
  if (command.divergence != "kl") not_available_yet("--divergence " + command.divergence + "; kl is there");
  if (command.support != "reference") {
    if (std::ranges::find(supports, command.support) == supports.end() && !command.support.starts_with("within:")) {
      throw unknown_value("--support", command.support, supports);
    }
    not_available_yet("--support " + command.support + "; reference is there");
  }
}

/// [[s, a, tau, min, max], …]: the moment that a row cannot meet, and the values that its support offers (T6).
Result::Entries infeasible_rows(const Mdp& world, std::span<const double> values, const Mdp& reference, double discount,
                                std::span<const equivalence::RowOutcome> outcome) {
  const double sign = world.objective() == Objective::maximize ? -1.0 : 1.0;
  Result::Entries entries{2, {}, {}};
  for (std::size_t row = 0; row < outcome.size(); ++row) {
    if (outcome[row] != equivalence::RowOutcome::infeasible) continue;
    double tau = 0.0, low = infinity, high = -infinity;
    for (Offset k = world.row_begin()[row]; k < world.row_begin()[row + 1]; ++k) {
      const auto i = static_cast<std::size_t>(k);
      tau += world.probability()[i] * values[static_cast<std::size_t>(world.next_state()[i])];
    }
    for (Offset k = reference.row_begin()[row]; k < reference.row_begin()[row + 1]; ++k) {
      const double v = values[static_cast<std::size_t>(reference.next_state()[static_cast<std::size_t>(k)])];
      if (!std::isfinite(v)) continue;
      low = std::min(low, sign * v);
      high = std::max(high, sign * v);
    }
    const State s = world.state_of(static_cast<Offset>(row));
    entries.positions.insert(entries.positions.end(),
                             {s, static_cast<Offset>(row) - world.state_rows()[static_cast<std::size_t>(s)]});
    entries.values.insert(entries.values.end(), {sign * world.discount() / discount * tau, low, high});
  }
  return entries;
}

Result to_result(const Mdp& world, const Mdp& reference, const solvers::SolveResult& solved,
                 const equivalence::EquivalentModelResult& found, const Verified& verified) {
  const Objective sense = world.objective();
  Result result;
  result.set("status", to_string(verified.status));
  result.set("message", verified.message);
  result.set("level", to_string(found.level));
  result.set("scope", equivalence::to_string(found.scope));
  result.set("criterion", "discounted");
  result.set("objective", objective_word(sense));
  result.set("discount", found.model->discount());
  result.set("feasible", found.n_infeasible == 0);
  result.set("transitions", per_transition(*found.model, found.model->probability()));
  result.set_rows("divergence", world, found.divergence);
  result.set("divergence_total", found.sum_divergence);
  result.set("divergence_max", found.max_divergence);
  result.set("duality_gap_max", found.max_duality_gap);
  result.set("n_tilted", found.n_tilted);
  result.set("infeasible_rows",
             infeasible_rows(world, solved.values, reference, found.model->discount(), found.outcome));
  result.set("epsilon", found.defect.epsilon);
  verified.add_to(result);
  SensedValues(sense, solved.values, solved.value_lower, solved.value_upper).add_to(result);
  result.set("seconds", found.seconds);
  return result;
}

std::string tables(const Mdp& world, const equivalence::EquivalentModelResult& found, const Verified& verified) {
  Facts facts;
  facts.add("status", status_text(verified.status, verified.message));
  facts.add("level", std::string(to_string(found.level)));
  facts.add("discounts", fmt::format("world {}, model {}; {}", world.discount(), found.model->discount(),
                                     objective_word(world.objective())));
  verified.add_to(facts);
  facts.add("epsilon (T9)", bound_text(found.defect.epsilon));
  facts.add("rows", fmt::format("{}, of which {} had to change and {} cannot be equivalent", count_text(world.n_rows()),
                                count_text(found.n_tilted), count_text(found.n_infeasible)));
  facts.add("KL from the reference", fmt::format("{} nats in all, at most {} in a row",
                                                 number_text(found.sum_divergence), number_text(found.max_divergence)));

  std::vector<std::size_t> order;
  for (std::size_t row = 0; row < found.divergence.size(); ++row) {
    if (found.divergence[row] > 0) order.push_back(row);
  }
  const std::size_t shown = std::min<std::size_t>(order.size(), 10);
  std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(shown), std::ranges::greater{},
                            [&](std::size_t row) { return found.divergence[row]; });
  Table table(
      {{"rows that changed most: state", Align::left}, {"action", Align::left}, {"how", Align::left}, {"KL, nats"}});
  for (std::size_t i = 0; i < shown; ++i) {
    const auto row = static_cast<Offset>(order[i]);
    const State s = world.state_of(row);
    table.add({state_label(world, s),
               action_label(world, s, static_cast<Action>(row - world.state_rows()[static_cast<std::size_t>(s)])),
               std::string(equivalence::to_string(found.outcome[order[i]])), number_text(found.divergence[order[i]])});
  }
  note_the_rest(table, static_cast<std::int64_t>(order.size() - shown), "rows that changed");
  return facts.text() + (shown > 0 ? "\n" + table.text() : "");
}

int run_equivalent_model(const EquivalentModelCommand& command, const CommonFlags& common) {
  require_available(command);
  if (!command.output.empty()) require_model_file(command.output);
  const solvers::SolveOptions options = command.pair.solve().options(common);
  const Mdp world = command.pair.world(common);
  const Mdp reference = command.pair.model(world, common);
  const solvers::SolveResult solved = command.pair.solve_world(world, common);
  const auto found =
      equivalence::equivalent_model(world, solved, reference, {.discount = {}, .threads = common.threads});
  const double promised = largest_absolute(found.defect.q_difference);
  const Verified verified =
      verify(world, solved, {found.status, found.message, found.scope, promised, &*found.model}, options, common);
  if (!command.output.empty()) write_model(command.output, *found.model);
  present(common, to_result(world, reference, solved, found, verified), [&] { return tables(world, found, verified); });
  return exit_code_of(verified.status);
}

}  // namespace

void add_equivalent_model(Command& command) {
  const auto it = std::make_shared<EquivalentModelCommand>();
  it->pair.add_to(command, "--reference,--model", false);
  command.parser()
      .add_option("--divergence", it->divergence, "What is minimised: kl (others: not available yet)")
      ->type_name("NAME");
  command.parser()
      .add_option("--support", it->support, "Successors allowed: reference (others: not available yet)")
      ->type_name("NAME");
  add_model_output(command, it->output);
  command.add_common_flags({.output = false});
  command.examples(
      "  mdp equivalent-model --world world.json --reference fit.json --output corrected.json\n"
      "  mdp equivalent-model --world world.json --discount-model 0.95 --json");
  command.run([it, &command] { return run_equivalent_model(*it, command.common()); });
}

}  // namespace mdp::cli
