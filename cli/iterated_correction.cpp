#include "cli/iterated_correction.hpp"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/entry_gradient.hpp"
#include "cli/model_file.hpp"
#include "cli/present.hpp"
#include "cli/result.hpp"
#include "cli/table.hpp"
#include "cli/usage.hpp"
#include "cli/value_tables.hpp"

namespace mdp::cli {
namespace {

Result to_result(const Mdp& world, const Mdp& model, equivalence::Correction correction,
                 const equivalence::CorrectionResult& found) {
  const Objective sense = world.objective();
  Result result;
  result.set("status", to_string(found.status));
  result.set("message", found.message);
  result.set("criterion", "discounted");
  result.set("objective", objective_word(sense));
  result.set("discount", model.discount());
  result.set("corrected", correction == equivalence::Correction::cost ? "cost" : "model");
  result.set("kappa", found.kappa);
  std::vector<std::vector<double>> steps;
  for (const auto& step : found.steps) steps.push_back({step.change, step.error, step.rate});
  result.set("steps", std::move(steps));
  if (!found.steps.empty()) result.set("value_error", found.steps.back().error);
  result.set("value_error_bound", found.error_bound);
  result.set("value", in_sense(sense, found.values));
  result.set("policy", std::span<const Action>(found.policy));
  if (!found.model) return result;
  if (correction == equivalence::Correction::cost) {
    result.set_rows("cost", world, in_sense(sense, found.model->cost()));
  } else {
    result.set("transitions", per_transition(*found.model, found.model->probability()));
  }
  return result;
}

std::string tables(const equivalence::CorrectionResult& found) {
  Facts facts;
  facts.add("status", status_text(found.status, found.message));
  facts.add("kappa", fmt::format("{}: a step leaves at most this part of the error", number_text(found.kappa)));
  if (!found.steps.empty()) {
    facts.add("V of the model", fmt::format("{} from the world's, proved: {}", bound_text(found.steps.back().error),
                                            bound_text(found.error_bound)));
  }
  Table table({{"step"}, {"change"}, {"error"}, {"rate"}});
  constexpr std::size_t shown = 20;
  for (std::size_t k = 0; k < found.steps.size() && k < shown; ++k) {
    const auto& step = found.steps[k];
    table.add({std::to_string(k + 1), bound_text(step.change), bound_text(step.error), number_text(step.rate)});
  }
  if (found.steps.size() > shown) note_the_rest(table, static_cast<std::int64_t>(found.steps.size() - shown), "steps");
  return facts.text() + "\n" + table.text();
}

}  // namespace

int run_iterated_correction(const PairFlags& pair, const CommonFlags& common, const Mdp& world, const Mdp& model,
                            equivalence::Correction correction, std::int64_t n_iterations, const std::string& output) {
  equivalence::CorrectionOptions options;
  options.correction = correction;
  options.max_iterations = n_iterations;
  options.solve = pair.solve().options(common);
  const solvers::SolveResult solved = pair.solve_world(world, common);
  const auto found = equivalence::correct_iteratively(world, model, options, solved);
  if (!output.empty() && found.model) write_model(output, *found.model);
  present(common, to_result(world, model, correction, found), [&] { return tables(found); });
  return exit_code_of(found.status);
}

}  // namespace mdp::cli
