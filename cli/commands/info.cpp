#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/model_flags.hpp"
#include "cli/present.hpp"
#include "cli/result.hpp"
#include "cli/table.hpp"
#include "libmdp/graph/components.hpp"
#include "libmdp/graph/reachability.hpp"
#include "libmdp/graph/structure.hpp"

namespace mdp::cli {
namespace {

struct InfoCommand {
  std::string file;
  ModelFlags model;
};

/// Facts that need a pass over the arrays or the graph.
struct Structure {
  Offset max_actions = 0;
  Offset max_successors = 0;
  Offset n_inadmissible = 0;
  std::int64_t n_initial = 0;
  double min_cost = infinity;  ///< finite costs, minimised sense
  double max_cost = -infinity;
  State n_components = 0;
  State n_end_components = 0;
  State reachable = 0;
  State sure = 0, almost_sure = 0, possible = 0;
  State always_sure = 0, always_almost_sure = 0, always_possible = 0;  ///< under every policy
  graph::ClassStructure classes;
  State max_period = 0;  ///< of the end components, all their rows taken
};

std::string_view word(graph::Answer answer) {
  return answer == graph::Answer::yes ? "yes" : answer == graph::Answer::no ? "no" : "unknown";
}

Structure examine(const Mdp& mdp) {
  Structure found;
  for (State s = 0; s < mdp.n_states(); ++s) found.max_actions = std::max(found.max_actions, mdp.n_actions(s));
  const auto begin = mdp.row_begin();
  for (std::size_t row = 0; row + 1 < begin.size(); ++row) {
    found.max_successors = std::max(found.max_successors, begin[row + 1] - begin[row]);
  }
  for (const double cost : mdp.cost()) {
    if (std::isinf(cost)) {
      ++found.n_inadmissible;
      continue;
    }
    found.min_cost = std::min(found.min_cost, cost);
    found.max_cost = std::max(found.max_cost, cost);
  }
  found.n_initial = std::ranges::count_if(mdp.initial(), [](double p) { return p > 0; });
  found.n_components = graph::strongly_connected_components(mdp).count;
  const graph::Components ends = graph::maximal_end_components(mdp);
  found.n_end_components = ends.count;
  for (const State period : graph::periods(mdp, ends, graph::admissible_rows(mdp))) {
    found.max_period = std::max(found.max_period, period);
  }
  found.classes = graph::class_structure(mdp);
  found.reachable = graph::count(graph::reachable_states(mdp));
  const graph::GoalReachability goal = graph::goal_reachability(mdp);
  found.sure = graph::count(goal.sure);
  found.almost_sure = graph::count(goal.almost_sure);
  found.possible = graph::count(goal.possible);
  const graph::GoalReachability always = graph::goal_reachability_always(mdp);
  found.always_sure = graph::count(always.sure);
  found.always_almost_sure = graph::count(always.almost_sure);
  found.always_possible = graph::count(always.possible);
  return found;
}

Result to_result(const Mdp& mdp, const Structure& found) {
  const bool maximise = mdp.objective() == Objective::maximize;
  Result result;
  result.set("n_states", std::int64_t{mdp.n_states()});
  result.set("n_rows", mdp.n_rows());
  result.set("n_transitions", mdp.n_transitions());
  result.set("n_goals", static_cast<std::int64_t>(mdp.goal().size()));
  result.set("objective", objective_word(mdp.objective()));
  result.set("discount", mdp.discount());
  result.set("row_sum_defect", mdp.row_sum_defect());
  result.set("n_components", std::int64_t{found.n_components});
  result.set("n_end_components", std::int64_t{found.n_end_components});
  result.set("reachable_states", std::int64_t{found.reachable});
  Result goal;
  goal.set("sure", std::int64_t{found.sure});
  goal.set("almost_sure", std::int64_t{found.almost_sure});
  goal.set("possible", std::int64_t{found.possible});
  result.set("goal_reachable", std::move(goal));
  Result always;
  always.set("sure", std::int64_t{found.always_sure});
  always.set("almost_sure", std::int64_t{found.always_almost_sure});
  always.set("possible", std::int64_t{found.always_possible});
  result.set("goal_reachable_always", std::move(always));
  result.set("communicating", found.classes.communicating);
  result.set("weakly_communicating", found.classes.weakly_communicating);
  result.set("unichain", std::string(word(found.classes.unichain)));
  result.set("max_period", std::int64_t{found.max_period});
  result.set("n_initial", found.n_initial);
  result.set("n_inadmissible", found.n_inadmissible);
  result.set("max_actions", found.max_actions);
  result.set("max_successors", found.max_successors);
  if (found.min_cost <= found.max_cost) {
    result.set("min_cost", maximise ? -found.max_cost : found.min_cost);
    result.set("max_cost", maximise ? -found.min_cost : found.max_cost);
  }
  return result;
}

std::string advice(const Mdp& mdp, const std::string& file) {
  if (mdp.discount() < 1) {
    return fmt::format("discounted; solve it with: mdp solve {}", file);
  }
  return fmt::format("no discount below 1 in the file; solve it discounted with: mdp solve {} --discount 0.99", file);
}

std::string tables(const Mdp& mdp, const Structure& found, const std::string& file) {
  const auto one_minus = mdp.exact_discount().complement.hi;
  Facts facts;
  facts.add("states", fmt::format("{}{}", count_text(mdp.n_states()), mdp.names().states.empty() ? "" : ", named"));
  facts.add("rows", fmt::format("{} state-action pairs, at most {} per state", count_text(mdp.n_rows()),
                                count_text(found.max_actions)));
  facts.add("transitions",
            fmt::format("{}, at most {} per row", count_text(mdp.n_transitions()), count_text(found.max_successors)));
  facts.add("objective", std::string(objective_word(mdp.objective())));
  const bool maximise = mdp.objective() == Objective::maximize;
  facts.add(
      maximise ? "rewards" : "costs",
      fmt::format(
          "from {} to {}{}", number_text(maximise ? -found.max_cost : found.min_cost),
          number_text(maximise ? -found.min_cost : found.max_cost),
          found.n_inadmissible > 0 ? fmt::format(", {} rows inadmissible", count_text(found.n_inadmissible)) : ""));
  facts.add("discount", one_minus > 0
                            ? fmt::format("{}, looking about {:.3g} steps ahead", mdp.discount(), 1 / one_minus)
                            : fmt::format("{}", mdp.discount()));
  facts.add("row sums", mdp.row_sum_defect() == 0
                            ? "exactly 1"
                            : fmt::format("within {} of 1, normalised", bound_text(mdp.row_sum_defect())));
  facts.add("components", fmt::format("{} strongly connected, {} maximal end components",
                                      count_text(found.n_components), count_text(found.n_end_components)));
  facts.add("policies", fmt::format("{}, unichain: {}; cycles of period {}",
                                    found.classes.communicating          ? "communicating"
                                    : found.classes.weakly_communicating ? "weakly communicating"
                                                                         : "multichain",
                                    word(found.classes.unichain), found.max_period));
  facts.add("initial", fmt::format("{} states, from where {} are reachable", count_text(found.n_initial),
                                   count_text(found.reachable)));
  if (mdp.goal().empty()) {
    facts.add("goal", "none");
  } else {
    facts.add("goal", fmt::format("{} states; reached surely from {}, almost surely from {}, possibly from {}",
                                  count_text(static_cast<long long>(mdp.goal().size())), count_text(found.sure),
                                  count_text(found.almost_sure), count_text(found.possible)));
    facts.add("", fmt::format("under every policy: surely from {}, almost surely from {}, possibly from {}",
                              count_text(found.always_sure), count_text(found.always_almost_sure),
                              count_text(found.always_possible)));
  }
  facts.add("advice", advice(mdp, file));
  return facts.text();
}

int run_info(const InfoCommand& command, const CommonFlags& common) {
  require_writable(common);
  const Mdp mdp = command.model.read(command.file, common.threads);
  const Structure found = examine(mdp);
  present(common, to_result(mdp, found), [&] { return tables(mdp, found, command.file); });
  return exit_done;
}

}  // namespace

void add_info(Command& command) {
  const auto it = std::make_shared<InfoCommand>();
  command.parser().add_option("FILE", it->file, "The model: .json, .npz, .umb, .tra or .drn")->required();
  it->model.add_to(command);
  command.add_common_flags();
  command.examples("  mdp info data/frozen_lake_8x8.json\n  mdp info model.umb --json");
  command.run([it, &command] { return run_info(*it, command.common()); });
}

}  // namespace mdp::cli
