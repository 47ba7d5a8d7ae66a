#include "equivalence/bisimulation.hpp"

#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/exact_output.hpp"
#include "cli/exit_code.hpp"
#include "cli/model_file.hpp"
#include "cli/model_flags.hpp"
#include "cli/present.hpp"
#include "cli/result.hpp"
#include "cli/table.hpp"
#include "cli/usage.hpp"
#include "cli/value_tables.hpp"
#include "cli/verification.hpp"
#include "equivalence/bisimulation_metric.hpp"
#include "equivalence/exact_bisimulation.hpp"
#include "libmdp/io/policy_file.hpp"

namespace mdp::cli {
namespace {

using equivalence::Bisimulation;

struct BisimulationCommand {
  std::string file, output, lift, lift_output;
  bool metric = false;
  double tolerance = 1e-9;
  ModelFlags model;
};

std::vector<std::size_t> block_sizes(const Bisimulation& found) {
  std::vector<std::size_t> sizes(found.representative.size(), 0);
  for (const State block : found.block) ++sizes[static_cast<std::size_t>(block)];
  return sizes;
}

/// "uniform", "first", or a file of weights: how mass is dealt out within a block.
std::vector<double> lift_weights(const std::string& how, const Mdp& mdp, const Bisimulation& found) {
  if (how == "uniform") return {};
  if (how != "first") return io::read_values(how, mdp.n_states());
  std::vector<double> weight(static_cast<std::size_t>(mdp.n_states()), 0.0);
  for (const State s : found.representative) weight[static_cast<std::size_t>(s)] = 1.0;
  return weight;
}

std::string tables(const Mdp& mdp, const Bisimulation& found,
                   const std::optional<equivalence::BisimulationMetric>& metric) {
  const auto sizes = block_sizes(found);
  Facts facts;
  facts.add("states", count_text(mdp.n_states()));
  facts.add("blocks", count_text(found.n_blocks()));
  facts.add("largest block", count_text(static_cast<long long>(*std::ranges::max_element(sizes))));
  if (metric) {
    facts.add("metric",
              fmt::format("{}; largest distance {}, within {}", metric->message,
                          number_text(*std::ranges::max_element(metric->distance)), bound_text(metric->error_bound)));
  }
  std::vector<std::size_t> order;
  for (std::size_t b = 0; b < sizes.size(); ++b) {
    if (sizes[b] > 1) order.push_back(b);
  }
  const std::size_t shown = std::min<std::size_t>(order.size(), 10);
  std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(shown),
                            [&](auto x, auto y) { return sizes[x] != sizes[y] ? sizes[x] > sizes[y] : x < y; });
  Table table({{"blocks of several states: first state", Align::left}, {"states"}});
  for (std::size_t i = 0; i < shown; ++i) {
    table.add({state_label(mdp, found.representative[order[i]]), count_text(static_cast<long long>(sizes[order[i]]))});
  }
  note_the_rest(table, static_cast<std::int64_t>(order.size() - shown), "blocks of several states");
  return facts.text() + (shown > 0 ? "\n" + table.text() : "");
}

int run_bisimulation(const BisimulationCommand& command, const CommonFlags& common) {
  if (!command.output.empty()) require_model_file(command.output);
  if (command.lift.empty() != command.lift_output.empty()) {
    throw UsageError("--lift and --lift-output go together: how to deal mass out, and where the model goes");
  }
  if (!command.lift_output.empty()) require_model_file(command.lift_output);
  const Mdp mdp = command.model.read(command.file, common.threads);
  const io::ExactModel exact = command.model.read_exact(command.file, common.threads);
  const Bisimulation found = equivalence::exact_bisimulation(exact);
  std::optional<equivalence::BisimulationMetric> metric;
  if (command.metric) {
    metric = equivalence::bisimulation_metric(mdp, {.tolerance = command.tolerance, .threads = common.threads});
  }
  if (!command.output.empty()) write_model(command.output, equivalence::quotient(mdp, found));
  if (!command.lift_output.empty()) {
    const std::vector<double> weights = lift_weights(command.lift, mdp, found);
    const bool exactly = writes_exactly(command.lift_output, false, mdp) &&
                         write_exact_model(command.lift_output, equivalence::exact_lift(exact, found, weights));
    if (!exactly) write_model(command.lift_output, equivalence::lift(mdp, found, weights));
  }
  Result result;
  result.set("status", to_string(metric ? metric->status : Status::converged));
  result.set("level", "exact");
  result.set("objective", objective_word(mdp.objective()));
  result.set("n_states", std::int64_t{mdp.n_states()});
  result.set("n_blocks", std::int64_t{found.n_blocks()});
  result.set("block", std::span<const Action>(found.block));
  result.set("representative", std::span<const Action>(found.representative));
  if (metric) {
    const auto n = static_cast<std::size_t>(mdp.n_states());
    std::vector<std::vector<double>> rows;
    for (std::size_t s = 0; s < n; ++s) {
      rows.emplace_back(metric->distance.begin() + static_cast<std::ptrdiff_t>(s * n),
                        metric->distance.begin() + static_cast<std::ptrdiff_t>((s + 1) * n));
    }
    result.set("metric", std::move(rows));
    result.set("metric_error_bound", metric->error_bound);
  }
  present(common, result, [&] { return tables(mdp, found, metric); });
  return metric ? exit_code_of(metric->status) : exit_done;
}

}  // namespace

void add_bisimulation(Command& command) {
  const auto it = std::make_shared<BisimulationCommand>();
  CLI::App& parser = command.parser();
  parser.add_option("FILE", it->file, "The model")->required();
  it->model.add_to(command);
  parser
      .add_option("--lift", it->lift,
                  "uniform, first, or a file of weights: what lands in a block goes to its states so")
      ->type_name("HOW");
  parser.add_option("--lift-output", it->lift_output, "Write the model that the lift makes: other rows, the same Q*")
      ->type_name("FILE");
  parser.add_flag("--metric", it->metric, "The bisimulation metric of all pairs of states (small models)");
  parser.add_option("--tolerance", it->tolerance, "Largest error of a distance [1e-9]")->type_name("A");
  add_model_output(command, it->output);
  command.add_common_flags({.output = false});
  command.examples(
      "  mdp bisimulation model.json --output quotient.json\n"
      "  mdp bisimulation model.json --lift uniform --lift-output other.json");
  command.run([it, &command] { return run_bisimulation(*it, command.common()); });
}

}  // namespace mdp::cli
