#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/criterion_flags.hpp"
#include "cli/criterion_result.hpp"
#include "cli/model_flags.hpp"
#include "cli/present.hpp"
#include "cli/result.hpp"
#include "cli/solve_flags.hpp"
#include "cli/usage.hpp"
#include "cli/watch.hpp"
#include "libmdp/certificate/verify.hpp"
#include "solvers/exact/refine.hpp"

namespace mdp::cli {
namespace {

using solvers::Criterion;

struct ReferenceCommand {
  std::string file;
  std::optional<int> digits;
  std::optional<double> time_limit;
  ModelFlags model;
  CriterionFlags criterion;
};

/// "a/b", or as many digits of it as were asked for.
std::vector<std::string> as_asked(const std::vector<std::string>& exact, const std::optional<int>& digits) {
  if (!digits) return exact;
  std::vector<std::string> texts;
  texts.reserve(exact.size());
  for (const std::string& x : exact) texts.push_back(x == "undefined" ? x : solvers::decimal_text(x, *digits));
  return texts;
}

/// What the numbers belong to.
Result head_of(const Mdp& mdp, Criterion criterion, const ReferenceCommand& command, const CommonFlags& common) {
  Result result;
  result.set("format", "mdp-reference");
  result.set("version", 1);
  result.set("program", "mdp " MDP_VERSION);
  result.set("model_sha256", certificate::model_sha256_of(command.file, command.model.options(common.threads)));
  result.set("n_states", std::int64_t{mdp.n_states()});
  result.set("n_rows", std::int64_t{mdp.n_rows()});
  result.set("criterion", to_string(criterion));
  command.criterion.describe(result, criterion);
  result.set("objective", objective_word(mdp.objective()));
  if (criterion == Criterion::discounted || criterion == Criterion::finite) {
    result.set("discount", command.model.read_exactly(command.file, common.threads).discount_text());
  }
  return result;
}

void add_exact_answer(Result& result, const Mdp& mdp, const solvers::ExactResult& solved,
                      const std::optional<int>& digits) {
  const auto set = [&](const char* key, const std::vector<std::string>& exact) {
    if (!exact.empty()) result.set(key, as_asked(exact, digits));
  };
  set("value", solved.value_exact);
  set("gain", solved.gain_exact);
  set("bias", solved.bias_exact);
  set("optimal_bias", solved.optimal_bias_exact);
  if (digits) result.set("digits", *digits);
  result.set("policy", std::span<const Action>(solved.policy));
  result.set("optimal_actions", optimal_actions(mdp, solved.optimal));
  std::vector<Result> stages;
  for (std::size_t k = 0; k < solved.value_by_stage_exact.size(); ++k) {
    Result& stage = stages.emplace_back();
    stage.set("value", as_asked(solved.value_by_stage_exact[k], digits));
    if (k < solved.policy_by_stage.size()) stage.set("policy", std::span<const Action>(solved.policy_by_stage[k]));
  }
  if (!stages.empty()) result.set("stages", std::move(stages));
  if (!solved.witness.empty()) {
    result.set("witness", std::vector<std::int64_t>(solved.witness.begin(), solved.witness.end()));
  }
}

void add_refined_answer(Result& result, const solvers::RefinedResult& refined, Criterion criterion, int digits) {
  if (!refined.message.empty()) result.set("message", refined.message);
  result.set(criterion == Criterion::average ? "gain" : "value", refined.value);
  result.set("digits", digits);
  result.set("value_error_bound", refined.value_error_bound);
  if (!refined.policy.empty()) result.set("policy", std::span<const Action>(refined.policy));
  std::vector<Result> stages;
  for (const solvers::RefinedStage& of : refined.stages) {
    Result& stage = stages.emplace_back();
    stage.set("value", of.value);
    stage.set("value_error_bound", of.value_error_bound);
    if (!of.policy.empty()) stage.set("policy", std::span<const Action>(of.policy));
  }
  if (!stages.empty()) result.set("stages", std::move(stages));
}

int finish(const ReferenceCommand& command, const CommonFlags& common, Result result, Status status) {
  present(common, result, [&] { return fmt::format("{}\n{}\n", command.file, result.json()); });
  return exit_code_of(status);
}

int run_reference(const ReferenceCommand& command, const CommonFlags& common) {
  require_writable(common);
  if (command.digits && *command.digits < 1) throw UsageError("--digits: at least 1");
  const Mdp mdp = command.model.read(command.file, common.threads);
  const Criterion criterion = command.criterion.choose(mdp, command.model);
  Result result = head_of(mdp, criterion, command, common);
  const auto exact_mdp = command.model.read_exactly(command.file, common.threads);
  solvers::SolveOptions options;
  options.threads = common.threads;
  if (command.time_limit) options.time_limit_seconds = *command.time_limit;
  Watch watch("reference", common);
  solvers::ExactLevelOptions how = command.criterion.exact_options(watch.on(options));
  // Multiplications of one system, some seconds in all: above it digits are refined at a fraction of the time.
  const double quick = criterion == Criterion::finite ? 1e8 : criterion == Criterion::average ? 3e7 : 1e9;
  if (command.digits) how.max_operations = quick;
  const solvers::ExactResult solved = solve_exactly(exact_mdp, criterion, how);
  if (solved.level == Level::exact && solved.status != Status::refused) {
    result.set("level", command.digits ? "digits" : "exact");
    result.set("status", to_string(solved.status));
    add_exact_answer(result, mdp, solved, command.digits);
    return finish(command, common, std::move(result), solved.status);
  }
  if (solved.status != Status::refused || !command.digits) {
    result.set("status", to_string(solved.status));
    result.set("message", solved.message + "; --digits N gives that many digits at any size");
    return finish(command, common, std::move(result), solved.status);
  }
  const solvers::RefinedResult refined = criterion == Criterion::discounted
                                             ? refine_discounted(exact_mdp, *command.digits, watch.on(options))
                                             : refine_undiscounted(exact_mdp, criterion, *command.digits, how);
  result.set("level", "digits");
  result.set("status", to_string(refined.status));
  add_refined_answer(result, refined, criterion, *command.digits);
  return finish(command, common, std::move(result), refined.status);
}

}  // namespace

void add_reference(Command& command) {
  const auto it = std::make_shared<ReferenceCommand>();
  command.parser().add_option("FILE", it->file, "The model: .json, .npz or .umb")->required();
  command.parser()
      .add_option("--digits", it->digits, "Decimals of N certified digits in place of fractions")
      ->type_name("N");
  command.parser().add_option("--time-limit", it->time_limit, "Stop after so many seconds")->type_name("SECONDS");
  it->criterion.add_to(command, true);
  it->model.add_to(command);
  command.add_common_flags();
  command.examples(
      "  mdp reference data/frozen_lake_4x4.json --output truth.json\n"
      "  mdp reference data/frozen_lake_4x4.json --digits 40 --json");
  command.run([it, &command] { return run_reference(*it, command.common()); });
}

}  // namespace mdp::cli
