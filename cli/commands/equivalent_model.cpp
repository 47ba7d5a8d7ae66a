#include "equivalence/equivalent_model.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/cost_change_result.hpp"
#include "cli/entry_gradient.hpp"
#include "cli/equivalent_model_flags.hpp"
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
#include "equivalence/exact_rows.hpp"
#include "equivalence/fit.hpp"
#include "equivalence/plausible_model.hpp"
#include "equivalence/policy_equivalent_model.hpp"
#include "equivalence/soft_equivalence.hpp"
#include "equivalence/tail_effect.hpp"
#include "solvers/criterion.hpp"

namespace mdp::cli {
namespace {

using equivalence::Divergence;
using equivalence::EquivalentModelResult;
using solvers::Criterion;

struct EquivalentModelCommand {
  PairFlags pair;
  EquivalentModelFlags flags;
  std::string output;
  std::string keep = "q";
  bool polytope = false;
  std::optional<std::int64_t> iterate;
  std::optional<double> temperature;
  const CLI::Option* level = nullptr;
};

double sign_of(const Mdp& mdp) { return mdp.objective() == Objective::maximize ? -1.0 : 1.0; }

Offset action_of(const Mdp& mdp, Offset row) {
  return row - mdp.state_rows()[static_cast<std::size_t>(mdp.state_of(row))];
}

/// [[s, a, tau, min, max], …]: the moment that a row cannot meet, and the values that its support offers (T6).
Result::Entries infeasible_rows(const Mdp& world, const EquivalentModelResult& found) {
  const double sign = sign_of(world);
  Result::Entries entries{2, {}, {}};
  for (const auto& row : found.infeasible) {
    entries.positions.insert(entries.positions.end(), {world.state_of(row.row), action_of(world, row.row)});
    const bool turned = sign < 0.0;
    entries.values.insert(entries.values.end(), {sign * row.target, sign * (turned ? row.high : row.low),
                                                 sign * (turned ? row.low : row.high)});
  }
  return entries;
}

/// [lower, upper] in the file's sense; [] if no shift is feasible.
std::vector<double> shift_interval(const Mdp& world, const EquivalentModelResult& found) {
  const auto& range = found.shift_interval.range;
  if (found.shift_interval.empty()) return {};
  const double low = std::min(range.lower, range.upper), high = std::max(range.lower, range.upper);
  if (world.objective() == Objective::maximize) return {-high, -low};
  return {low, high};
}

/// T10 on the world's own rows and discount.
Result plausible_result(const Mdp& world, const equivalence::PlausibleModelResult& plausible) {
  Result result;
  result.set("bound", plausible.bound);
  result.set("epsilon", plausible.epsilon);
  result.set("n_disconnected", plausible.n_disconnected);
  Result::Entries rows{3, {}, {}};
  for (std::size_t row = 0; row < plausible.rows.size(); ++row) {
    const auto& here = plausible.rows[row];
    if (here.n_components < 2) continue;
    const auto r = static_cast<Offset>(row);
    rows.positions.insert(rows.positions.end(), {world.state_of(r), action_of(world, r), here.n_components});
    rows.values.insert(rows.values.end(), {here.bound, here.error});
  }
  result.set("disconnected_rows", std::move(rows));
  return result;
}

/// Whole numbers, shaped as q.
std::vector<std::vector<std::int64_t>> per_pair(const Mdp& world, const std::vector<Offset>& numbers) {
  std::vector<std::vector<std::int64_t>> shaped;
  auto next = numbers.begin();
  for (State s = 0; s < world.n_states(); ++s) {
    shaped.emplace_back(next, next + world.n_actions(s));
    next += world.n_actions(s);
  }
  return shaped;
}

Result polytope_result(const Mdp& world, const equivalence::PolytopeTable& table) {
  Result result;
  result.set("dimension", per_pair(world, table.dimension));
  result.set("n_vertices", per_pair(world, table.n_vertices));
  return result;
}

Result to_result(const Mdp& world, const solvers::SolveResult& solved, const EquivalentModelResult& found,
                 const Verified& verified, Divergence divergence, double epsilon) {
  const Objective sense = world.objective();
  Result result = verified.head(found.level, found.scope, *found.model);
  result.set("divergence_name", to_string(divergence));
  result.set("feasible", found.n_infeasible == 0);
  result.set("transitions", per_transition(*found.model, found.model->probability()));
  result.set_rows("divergence", world, found.divergence);
  result.set("divergence_total", found.sum_divergence);
  result.set("divergence_max", found.max_divergence);
  result.set("duality_gap_max", found.max_duality_gap);
  result.set("n_changed", found.n_changed);
  result.set("infeasible_rows", infeasible_rows(world, found));
  result.set("shift", sign_of(world) * found.shift + 0.0);
  result.set("shift_interval", shift_interval(world, found));
  if (found.constant.upper < infinity) {
    const bounds::Interval& c = found.constant;
    result.set("constant", world.objective() == Objective::minimize ? std::vector<double>{c.lower, c.upper}
                                                                    : std::vector<double>{-c.upper, -c.lower});
  }
  result.set("shift_interval_error", found.shift_interval.error);
  result.set("shift_suboptimality", found.shift_suboptimality);
  result.set("epsilon", epsilon);
  verified.add_to(result);
  if (found.confirmation) result.set("confirmation", confirmation_result(*found.confirmation));
  SensedValues(sense, solved.values, solved.value_lower, solved.value_upper).add_to(result);
  result.set("seconds", found.seconds);
  return result;
}

std::string unit_of(Divergence divergence) {
  switch (divergence) {
    case Divergence::kl:
    case Divergence::reverse_kl:
    case Divergence::likelihood: return " nats";
    default: return "";
  }
}

std::string tables(const Mdp& world, const EquivalentModelResult& found, const Verified& verified,
                   Divergence divergence) {
  Facts facts;
  facts.add("status", status_text(verified.status, verified.message));
  facts.add("level", std::string(to_string(found.level)));
  facts.add("discounts", fmt::format("world {}, model {}; {}", world.discount(), found.model->discount(),
                                     objective_word(world.objective())));
  verified.add_to(facts);
  facts.add("epsilon (T9)", bound_text(found.epsilon));
  facts.add("rows", fmt::format("{}, of which {} had to change and {} cannot be equivalent", count_text(world.n_rows()),
                                count_text(found.n_changed), count_text(found.n_infeasible)));
  const std::vector<double> interval = shift_interval(world, found);
  facts.add("shift (T7)", fmt::format("{}; {}", number_text(sign_of(world) * found.shift + 0.0),
                                      interval.empty() ? "none is feasible"
                                                       : fmt::format("feasible from {} to {}", number_text(interval[0]),
                                                                     number_text(interval[1]))));
  facts.add(fmt::format("{} from the reference", to_string(divergence)),
            fmt::format("{}{} in all, at most {} in a row", number_text(found.sum_divergence), unit_of(divergence),
                        number_text(found.max_divergence)));

  std::vector<std::size_t> order;
  for (std::size_t row = 0; row < found.divergence.size(); ++row) {
    if (found.divergence[row] > 0) order.push_back(row);
  }
  const std::size_t shown = std::min<std::size_t>(order.size(), 10);
  std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(shown), std::ranges::greater{},
                            [&](std::size_t row) { return found.divergence[row]; });
  Table table({{"rows that changed most: state", Align::left},
               {"action", Align::left},
               {"how", Align::left},
               {std::string(to_string(divergence))}});
  for (std::size_t i = 0; i < shown; ++i) {
    const auto row = static_cast<Offset>(order[i]);
    table.add({state_label(world, world.state_of(row)),
               action_label(world, world.state_of(row), static_cast<Action>(action_of(world, row))),
               std::string(equivalence::to_string(found.outcome[order[i]])), number_text(found.divergence[order[i]])});
  }
  note_the_rest(table, static_cast<std::int64_t>(order.size() - shown), "rows that changed");
  return facts.text() + (shown > 0 ? "\n" + table.text() : "");
}

// Writes the rows, moved onto their moment equations in rationals where that is to be and can be; else the doubles. \returns which
bool write_found(const EquivalentModelCommand& command, const CommonFlags& common, const Mdp& world,
                 const EquivalentModelResult& found, const Verified& verified, Criterion from) {
  const bool discounted =
      verified.status == Status::converged && found.model->discount() < 1.0 && from == Criterion::discounted;
  if (discounted && writes_exactly(command.output, command.level->count() > 0, world)) {
    const io::ExactModel near = io::exact_model_of(*found.model);
    const auto exact = equivalence::exact_equivalent_model(command.pair.exact_world(common), near, near.discount,
                                                           mpq_class(found.shift), command.pair.solve().options(common),
                                                           max_exact_characters);
    if (exact.status == Status::converged && write_exact_model(command.output, exact.model)) return true;
  }
  write_model(command.output, *found.model);
  return false;
}

int run_keep_q(EquivalentModelCommand& command, const CommonFlags& common, const Mdp& world, const Mdp& reference,
               const solvers::SolveResult& solved, Criterion from) {
  const auto options = command.flags.options(command.pair, world, common);
  const auto found = equivalence::equivalent_model(world, solved, reference, options);
  const double tails = equivalence::transition_tail_effect(*found.model, half_span(solved));
  const Verified verified = verify(
      world, solved, {found.status, found.message, found.scope, found.q_error_bound, &*found.model, tails, found.shift},
      command.pair.solve().options(common), common);
  Result result =
      to_result(world, solved, found, verified, options.divergence, bounds::round_up(found.epsilon + tails));
  result.set("world_criterion", solvers::to_string(from));
  const bool exact = !command.output.empty() && write_found(command, common, world, found, verified, from);
  if (!command.output.empty()) result.set("output_exact", exact);
  const TransitionCounts& counts = command.flags.counts();
  if (!counts.count.empty()) {
    result.set("n_samples", counts.total());
    result.set("log_likelihood", equivalence::log_likelihood(*found.model, counts));
  }
  if (command.polytope) {
    auto with_shift = options;
    with_shift.shift = found.shift;
    result.set("polytope",
               polytope_result(world, equivalence::equivalent_polytopes(world, solved, reference, with_shift)));
  }
  std::string more = exact ? "\n" + command.output + ": the transitions in exact rationals\n" : "";
  if (options.divergence == Divergence::deterministic && from == Criterion::discounted) {
    const auto plausible = equivalence::plausible_model(world, solved, options.graph, common.threads);
    result.set("plausible", plausible_result(world, plausible));
    Facts facts;
    facts.add("plausible model (T10)", fmt::format("error {}, bound {}; {} rows with a support in several components",
                                                   bound_text(plausible.epsilon), bound_text(plausible.bound),
                                                   count_text(plausible.n_disconnected)));
    more += "\n" + facts.text();
  }
  present(common, result, [&] { return tables(world, found, verified, options.divergence) + more; });
  return exit_code_of(verified.status);
}

/// T6 and T7 for soft values.
int run_soft(EquivalentModelCommand& command, const CommonFlags& common, const Mdp& world, const Mdp& reference) {
  const auto rows = command.flags.options(command.pair, world, common);
  const solvers::SoftOptions options = command.pair.solve().soft_options(*command.temperature, common);
  const solvers::SoftResult solution = solvers::solve_soft(world, options);
  const auto found = equivalence::soft_equivalent_model(world, solution, reference, rows, options);
  if (!command.output.empty()) write_model(command.output, *found.rows.model);
  solvers::SolveResult solved;
  solved.values = solution.values;
  solved.value_lower = solution.value_lower;
  solved.value_upper = solution.value_upper;
  const double tails = equivalence::transition_tail_effect(*found.rows.model, half_span(solved));
  const double told = bounds::value_error(tails, found.rows.model->exact_discount());
  const Verified verified{found.status, found.message, {}, bounds::round_up(found.rows.q_error_bound + told)};
  Result result =
      to_result(world, solved, found.rows, verified, rows.divergence, bounds::round_up(found.rows.epsilon + tails));
  result.set("temperature", *command.temperature);
  result.set("value_distance_bound", found.value_distance_bound);
  result.set("log_policy_distance_bound", found.log_policy_distance_bound);
  present(common, result, [&] { return tables(world, found.rows, verified, rows.divergence); });
  return exit_code_of(found.status);
}

/// T8.
int run_keep_actions(EquivalentModelCommand& command, const CommonFlags& common, const Mdp& world, const Mdp& reference,
                     const solvers::SolveResult& solved) {
  const auto options = command.flags.options(command.pair, world, common);
  Watch watch("policy-equivalent model", common);
  const auto found = equivalence::policy_equivalent_model(world, solved, reference,
                                                          {.divergence = options.divergence,
                                                           .support = options.support,
                                                           .solve = watch.on(command.pair.solve().options(common))});
  if (!command.output.empty() && found.model) write_model(command.output, *found.model);
  Result result;
  result.set("status", to_string(found.status));
  result.set("message", found.message);
  result.set("criterion", "discounted");
  result.set("objective", objective_word(world.objective()));
  result.set("divergence_name", to_string(options.divergence));
  result.set("feasible", found.model.has_value());
  Result certificate;
  certificate.set("level", "E5");
  certificate.set("holds", equivalence::to_string(found.certificate.holds));
  certificate.set("reason", found.certificate.reason);
  result.set("certificate", std::move(certificate));
  result.set("n_tied_states", std::int64_t{found.n_tied_states});
  if (found.model) {
    result.set("discount", found.model->discount());
    result.set("transitions", per_transition(*found.model, found.model->probability()));
    result.set_rows("divergence", world, found.divergence);
    result.set("divergence_total", found.sum_divergence);
    result.set("divergence_start", found.start_divergence);
    result.set("gradient_max", found.gradient);
    result.set("iterations", found.iterations);
    result.set("potential", in_sense(world.objective(), found.potential));
  }
  present(common, result, [&] {
    Facts facts;
    facts.add("status", status_text(found.status, found.message));
    if (found.model) {
      facts.add("divergence", fmt::format("{} in all; {} where Q* is kept", number_text(found.sum_divergence),
                                          number_text(found.start_divergence)));
      facts.add("descent",
                fmt::format("{} steps, largest derivative {}", found.iterations, bound_text(found.gradient)));
    }
    return facts.text();
  });
  return exit_code_of(found.status);
}

/// V* of the world by its own criterion. Any V* that solves the world's optimality equation will do for T6: the model of
/// discount below 1 has no other.
solvers::SolveResult solve_by(Criterion from, const EquivalentModelCommand& command, const CommonFlags& common,
                              const Mdp& world) {
  if (from == Criterion::discounted) return command.pair.solve_world(world, common);
  Watch watch("solve world", common);
  return solvers::solve_criterion(world, from,
                                  command.pair.world_options(world, watch.on(command.pair.solve().options(common))));
}

Criterion criterion_of(const EquivalentModelCommand& command, const Mdp& world) {
  const Criterion from = command.pair.world_criterion(world);
  if (from != Criterion::discounted && from != Criterion::goal && from != Criterion::total) {
    throw UsageError(
        fmt::format("--world-criterion {}: rows keep the Q* of a discounted, goal or total world", to_string(from)));
  }
  if (from != Criterion::discounted && (command.keep == "actions" || command.iterate || command.temperature))
    throw UsageError("--keep actions, --iterate and --temperature belong to the discounted criterion of the world");
  return from;
}

int run_equivalent_model(EquivalentModelCommand& command, const CommonFlags& common) {
  static const std::vector<std::string> kept = {"q", "actions"};
  if (std::ranges::find(kept, command.keep) == kept.end()) throw unknown_value("--keep", command.keep, kept);
  command.flags.require_valid();
  const bool keeps_actions = command.keep == "actions";
  if (keeps_actions) command.flags.require_fit_for_actions();
  if (command.iterate && (keeps_actions || command.polytope || !command.flags.is_default())) {
    throw UsageError(
        "--iterate takes the kl-nearest rows on the reference's support: no other choice of model beside it");
  }
  if (keeps_actions && command.polytope) throw UsageError("--polytope belongs to --keep q");
  if (command.temperature && (keeps_actions || command.polytope || command.iterate)) {
    throw UsageError("--temperature keeps the soft Q (T6, T7): not with --keep actions, --polytope or --iterate");
  }
  if (!command.output.empty()) require_model_file(command.output);
  const Mdp world = command.pair.world(common);
  const Criterion from = criterion_of(command, world);
  const Mdp reference = command.flags.reference(command.pair, world, common);
  if (command.iterate) {
    return run_iterated_correction(command.pair, common, world, reference, equivalence::Correction::model,
                                   *command.iterate, command.output);
  }
  if (command.temperature) return run_soft(command, common, world, reference);
  const solvers::SolveResult solved = solve_by(from, command, common, world);
  return keeps_actions ? run_keep_actions(command, common, world, reference, solved)
                       : run_keep_q(command, common, world, reference, solved, from);
}

}  // namespace

void add_equivalent_model(Command& command) {
  const auto it = std::make_shared<EquivalentModelCommand>();
  it->pair.add_to(command, "--reference,--model", false, true);
  it->flags.add_to(command);
  it->level = command.parser().get_option("--level");
  command.parser()
      .add_option("--keep", it->keep, "q: Q^* = Q* (T6); actions: the optimal actions only (T8; kl, l2)")
      ->type_name("q|actions");
  command.parser().add_flag("--polytope", it->polytope,
                            "Dimension and number of vertices of the solutions of each row");
  command.parser()
      .add_option("--iterate", it->iterate,
                  "As if Q* were not known: at most N times, correct the rows with the current V and solve the model")
      ->type_name("N");
  command.parser()
      .add_option("--temperature", it->temperature, "Entropy weight B > 0: the rows keep the world's soft Q (T6, T7)")
      ->type_name("B");
  add_model_output(command, it->output);
  command.add_common_flags({.output = false});
  command.examples(
      "  mdp equivalent-model --world world.json --reference fit.json --output corrected.json\n"
      "  mdp equivalent-model --world world.json --divergence likelihood --counts seen.csv --support world\n"
      "  mdp equivalent-model --world world.json --discount-model 0.95 --shift auto --support all --json");
  command.run([it, &command] { return run_equivalent_model(*it, command.common()); });
}

}  // namespace mdp::cli
