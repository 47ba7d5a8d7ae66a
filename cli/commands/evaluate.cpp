#include <string>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/model_flags.hpp"
#include "cli/present.hpp"
#include "cli/result.hpp"
#include "cli/solve_flags.hpp"
#include "cli/table.hpp"
#include "cli/trace_file.hpp"
#include "cli/value_tables.hpp"
#include "cli/watch.hpp"
#include "solvers/evaluation.hpp"

namespace mdp::cli {
namespace {

struct EvaluateCommand {
  std::string file;
  std::string policy;
  std::string trace;
  ModelFlags model;
  SolveFlags solve;
};

Result to_result(const Mdp& mdp, const io::PolicyFile& policy, const solvers::EvaluationResult& evaluated,
                 const SensedValues& values, int threads) {
  Result result;
  result.set("status", to_string(evaluated.status));
  result.set("message", evaluated.message);
  result.set("level", to_string(evaluated.level));
  result.set("criterion", "discounted");
  result.set("objective", objective_word(mdp.objective()));
  result.set("discount", mdp.discount());
  values.add_to(result);
  if (policy.deterministic) {
    result.set("policy", std::span<const Action>(policy.actions));
  } else {
    result.set_rows("policy", mdp, policy.probabilities);
  }
  result.set_rows("q", mdp, in_sense(mdp.objective(), q_of(mdp, evaluated.values, threads)));
  result.set("value_error_bound", evaluated.value_error_bound);
  result.set("method", evaluated.method);
  result.set("sweeps", evaluated.sweeps);
  result.set("seconds", evaluated.seconds);
  return result;
}

std::string tables(const Mdp& mdp, const io::PolicyFile& policy, const solvers::EvaluationResult& evaluated,
                   const SensedValues& values) {
  Facts facts;
  facts.add("status", status_text(evaluated.status, evaluated.message));
  facts.add("level", std::string(to_string(evaluated.level)));
  facts.add("policy", policy.deterministic ? "deterministic" : "randomised");
  facts.add("criterion", fmt::format("discounted, {}, discount {}", objective_word(mdp.objective()), mdp.discount()));
  facts.add("method", fmt::format("{}, {}", evaluated.method, seconds_text(evaluated.seconds)));
  facts.add("value error", "<= " + bound_text(evaluated.value_error_bound) + " at every state");
  facts.add("initial value", number_text(initial_average(mdp, values.value)));
  return facts.text() + "\n" + value_table(mdp, values, policy.actions);
}

int run_evaluate(const EvaluateCommand& command, const CommonFlags& common) {
  require_writable(common);
  if (!command.trace.empty()) require_folder_of(command.trace);
  solvers::SolveOptions options = command.solve.options(common);
  options.record_trace = !command.trace.empty();
  const Mdp mdp = command.model.read(command.file, common.threads);
  command.solve.require_criterion(mdp);
  const io::PolicyFile policy = io::read_policy(command.policy, mdp);
  const solvers::EvaluationResult evaluated = [&] {
    Watch watch("evaluate", common, expected_half_width(mdp, options));
    return policy.deterministic
               ? solvers::evaluate(mdp, std::span<const Action>(policy.actions), watch.on(options))
               : solvers::evaluate(mdp, std::span<const double>(policy.probabilities), watch.on(options));
  }();
  if (!command.trace.empty()) write_trace(command.trace, mdp.objective(), evaluated.trace);
  const SensedValues values(mdp.objective(), evaluated.values, evaluated.value_lower, evaluated.value_upper);
  present(common, to_result(mdp, policy, evaluated, values, common.threads),
          [&] { return tables(mdp, policy, evaluated, values); });
  return exit_code_of(evaluated.status);
}

}  // namespace

void add_evaluate(Command& command) {
  const auto it = std::make_shared<EvaluateCommand>();
  command.parser().add_option("FILE", it->file, "The model: .json, .npz or .umb")->required();
  command.parser()
      .add_option("--policy", it->policy,
                  "JSON array: per state an action position or probabilities; or results of solve")
      ->required()
      ->type_name("P");
  it->solve.add_to(command, false);
  it->model.add_to(command);
  command.parser().add_option("--trace", it->trace, "Write one JSON line per sweep to T")->type_name("T.jsonl");
  command.add_common_flags();
  command.examples(
      "  mdp solve model.json --output solved.json && mdp evaluate world.json --policy solved.json\n"
      "  echo '[0, 1, [0.5, 0.5]]' > policy.json && mdp evaluate three.json --policy policy.json");
  command.run([it, &command] { return run_evaluate(*it, command.common()); });
}

}  // namespace mdp::cli
