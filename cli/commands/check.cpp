#include <algorithm>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/commands/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/present.hpp"
#include "cli/result.hpp"
#include "cli/table.hpp"
#include "cli/watch.hpp"
#include "cli/world_and_model.hpp"
#include "equivalence/cost_distance.hpp"
#include "equivalence/exact_levels.hpp"
#include "equivalence/least_change.hpp"
#include "equivalence/levels.hpp"
#include "libmdp/io/exact_model.hpp"

namespace mdp::cli {
namespace {

using equivalence::EquivalenceLevel;
using equivalence::LevelsResult;
using equivalence::LevelVerdict;
using equivalence::Verdict;

struct CheckCommand {
  PairFlags pair;
  std::string require;
  bool cost_distance = false;
  std::string least_change;
  const CLI::Option* level = nullptr;

  /// In rationals: small models, unless another level is asked for, and all where that is.
  [[nodiscard]] bool exactly(const Mdp& world) const {
    return pair.solve().exact() || (level->count() == 0 && world.n_states() <= equivalence::exact_levels_states);
  }
};

std::vector<EquivalenceLevel> all_levels() {
  std::vector<EquivalenceLevel> levels;
  for (std::size_t i = 0; i < equivalence::n_equivalence_levels; ++i)
    levels.push_back(static_cast<EquivalenceLevel>(i));
  return levels;
}

Result verdict_result(const Mdp& world, const LevelVerdict& verdict) {
  Result result;
  result.set("holds", equivalence::to_string(verdict.holds));
  if (!verdict.reason.empty()) result.set("reason", verdict.reason);
  if (verdict.number.lower >= 0.0) {
    Result number;
    number.set("lower", verdict.number.lower);
    number.set("upper", verdict.number.upper);
    result.set("number", std::move(number));
  }
  if (verdict.holds != Verdict::no) return result;
  Result witness;
  if (verdict.state >= 0) witness.set("state", std::int64_t{verdict.state});
  if (verdict.action >= 0) witness.set("action", std::int64_t{verdict.action});
  if (!verdict.policy.empty()) witness.set_rows("policy", world, verdict.policy);
  result.set("witness", std::move(witness));
  return result;
}

Result levels_result(const Mdp& world, const LevelsResult& found) {
  Result result;
  for (const auto level : all_levels()) {
    if (level == EquivalenceLevel::some_optimal_policy) continue;
    Result one = verdict_result(world, found[level]);
    if (level == EquivalenceLevel::every_optimal_policy) {
      one.set("every", verdict_result(world, found[level]));
      one.set("some", verdict_result(world, found[EquivalenceLevel::some_optimal_policy]));
    }
    result.set(std::string(equivalence::to_string(level)), std::move(one));
  }
  return result;
}

std::vector<std::string> maximal_words(const LevelsResult& found) {
  std::vector<std::string> words;
  for (const auto level : found.maximal()) words.emplace_back(equivalence::to_string(level));
  return words;
}

double largest_absolute(std::span<const double> x) {
  double largest = 0.0;
  for (const double value : x) largest = std::max(largest, std::abs(value));
  return largest;
}

double largest(std::span<const double> x) { return x.empty() ? not_computed : *std::max_element(x.begin(), x.end()); }

/// What was found, or why the solver stopped before.
std::string message_of(const LevelsResult& found) {
  return found.status == Status::converged ? found.summary() : found.message;
}

Result to_result(const Mdp& world, const Mdp& model, const LevelsResult& found) {
  const auto& candidate = found.candidate;
  Result result;
  result.set("status", to_string(found.status));
  result.set("message", message_of(found));
  result.set("level", found.lowest());
  result.set("maximal", maximal_words(found));
  result.set("levels", levels_result(world, found));
  result.set("precision", to_string(found.precision));
  result.set("criterion", "discounted");
  result.set("objective", objective_word(world.objective()));
  result.set("discount", world.discount());
  result.set("discount_model", model.discount());
  result.set("residual_max", largest_absolute(candidate.defect.delta));
  result.set("q_error", 0.5 * (candidate.distance.norm.lower + candidate.distance.norm.upper));
  result.set("q_error_bound", candidate.distance.norm.upper);
  result.set("regret", largest(candidate.regret));
  result.set("regret_bound", candidate.max_regret.upper);
  result.set("potential", in_sense(world.objective(), found.potential));
  result.set("seconds", candidate.seconds);
  return result;
}

std::string tables(const Mdp& world, const Mdp& model, const LevelsResult& found) {
  const auto& candidate = found.candidate;
  Facts facts;
  facts.add("status", status_text(found.status, message_of(found)));
  facts.add("level", std::string(found.lowest()));
  facts.add("maximal levels",
            found.maximal().empty() ? "none" : fmt::format("{}", fmt::join(maximal_words(found), ", ")));
  facts.add("precision", std::string(to_string(found.precision)));
  facts.add("discounts", fmt::format("world {}, model {}; {}", world.discount(), model.discount(),
                                     objective_word(world.objective())));
  facts.add("residual", fmt::format("{} = max |D|, D of T4'", number_text(largest_absolute(candidate.defect.delta))));
  facts.add("Q* apart", "<= " + bound_text(candidate.distance.norm.upper));
  facts.add("regret", fmt::format("{} at most {}", number_text(largest(candidate.regret)),
                                  bound_text(candidate.max_regret.upper)));
  Table table({{"level", Align::left}, {"holds", Align::left}, {"why", Align::left}});
  for (const auto level : all_levels()) {
    const LevelVerdict& verdict = found[level];
    table.add({std::string(equivalence::to_string(level)), std::string(equivalence::to_string(verdict.holds)),
               verdict.reason});
  }
  return facts.text() + "\n" + table.text();
}

// How far the costs are apart, and from one that would do; \returns what the tables say of it.
std::string add_costs(const CheckCommand& command, const CommonFlags& common, const Mdp& world,
                      const solvers::SolveResult& solved, const Mdp& model, Result& result) {
  Facts facts;
  if (command.cost_distance) {
    const auto apart = equivalence::cost_distance(world, model.cost(), {}, command.pair.solve().options(common));
    Result distance;
    distance.set("value", apart.value);
    distance.set("lower", apart.range.lower);
    distance.set("upper", apart.range.upper);
    result.set("cost_distance", std::move(distance));
    facts.add("cost distance",
              fmt::format("{}, of canonical costs on the world's transitions", number_text(apart.value)));
  }
  if (!command.least_change.empty()) {
    equivalence::LeastChangeOptions options;
    options.norm = equivalence::change_norm_from_string(command.least_change);
    options.solve = command.pair.solve().options(common);
    const auto least = equivalence::least_change(world, solved, model, options);
    Result change;
    change.set("status", to_string(least.status));
    change.set("norm", equivalence::to_string(options.norm));
    change.set("size", least.size);
    change.set("size_lower", least.size_lower);
    result.set("least_change", std::move(change));
    facts.add("least change (T5)",
              fmt::format("the world's optimal actions are optimal at a cost {} away in {}, at none below {}",
                          number_text(least.size), command.least_change, number_text(least.size_lower)));
  }
  const std::string text = facts.text();
  return text.empty() ? text : "\n" + text;
}

int run_check(const CheckCommand& command, const CommonFlags& common) {
  if (!command.require.empty()) (void)equivalence::equivalence_level_from_string(command.require);
  equivalence::LevelsOptions options;
  options.solve = command.pair.solve().options(common);
  const Mdp world = command.pair.world(common);
  const Mdp model = command.pair.model(world, common);
  const solvers::SolveResult solved = command.pair.solve_world(world, common);
  Watch watch("solve model", common, expected_half_width(model, options.solve));
  options.solve = watch.on(options.solve);
  LevelsResult found = equivalence::check_levels(world, solved, model, options);
  if (command.exactly(world)) {
    equivalence::decide_exactly(world, command.pair.exact_world(common), command.pair.exact_model(common),
                                options.solve, found);
  }
  if (command.pair.solve().exact() && found.precision != Level::exact) found.status = Status::precision_limit;
  Result result = to_result(world, model, found);
  const std::string more = add_costs(command, common, world, solved, model, result);
  present(common, result, [&] { return tables(world, model, found) + more; });
  if (command.require.empty()) return exit_code_of(found.status);
  const auto required = equivalence::equivalence_level_from_string(command.require);
  return found[required].holds == Verdict::yes ? exit_done : exit_not_met;
}

}  // namespace

void add_check(Command& command) {
  const auto it = std::make_shared<CheckCommand>();
  it->pair.add_to(command, "--model", true);
  it->pair.allow_exact();
  it->level = command.parser().get_option("--level");
  command.parser()
      .add_option("--require", it->require, "Exit code 1 unless this level holds: E0, E2, E3, E4, E5, E6, E6-some")
      ->type_name("LEVEL");
  command.parser().add_flag("--cost-distance", it->cost_distance,
                            "How far the two costs are apart up to shaping and scale, from 0 to 1 (STARC)");
  command.parser()
      .add_option(
          "--least-change", it->least_change,
          "How far the model's cost is from the nearest one with the world's optimal actions: l1, l2 or linf (T5)")
      ->type_name("NORM");
  command.add_common_flags();
  command.examples(
      "Up to 500 states the answer is exact, in rationals; --level exact asks for that at any size, --level certified "
      "keeps to doubles with proved bounds.\n"
      "  mdp check --world world.json --model model.json\n"
      "  mdp check --world world.json --model model.json --require E5 --json");
  command.run([it, &command] { return run_check(*it, command.common()); });
}

}  // namespace mdp::cli
