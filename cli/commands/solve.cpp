#include "solvers/solve.hpp"

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

namespace mdp::cli {
namespace {

struct SolveCommand {
  std::string file;
  std::string trace;
  ModelFlags model;
  SolveFlags solve;
};

Result to_result(const Mdp& mdp, const solvers::SolveResult& solved, const SensedValues& values, int threads) {
  Result result;
  result.set("status", to_string(solved.status));
  result.set("message", solved.message);
  result.set("level", to_string(solved.level));
  result.set("criterion", "discounted");
  result.set("objective", objective_word(mdp.objective()));
  result.set("discount", mdp.discount());
  values.add_to(result);
  result.set("policy", std::span<const Action>(solved.policy));
  result.set_rows("q", mdp, in_sense(mdp.objective(), q_of(mdp, solved.values, threads)));
  result.set("value_error_bound", solved.value_error_bound);
  result.set("policy_loss_bound", solved.policy_loss_bound);
  result.set("method", solved.method);
  result.set("sweeps", solved.sweeps);
  result.set("iterations", solved.iterations);
  result.set("seconds", solved.seconds);
  return result;
}

std::string tables(const Mdp& mdp, const solvers::SolveResult& solved, const SensedValues& values) {
  Facts facts;
  facts.add("status", status_text(solved.status, solved.message));
  facts.add("level", std::string(to_string(solved.level)));
  facts.add("criterion", fmt::format("discounted, {}, discount {}", objective_word(mdp.objective()), mdp.discount()));
  facts.add("method",
            fmt::format("{}, {} sweeps, {}", solved.method, count_text(solved.sweeps), seconds_text(solved.seconds)));
  facts.add("value error", "<= " + bound_text(solved.value_error_bound) + " at every state");
  facts.add("policy loss", "<= " + bound_text(solved.policy_loss_bound));
  facts.add("initial value", number_text(initial_average(mdp, values.value)));
  return facts.text() + "\n" + value_table(mdp, values, solved.policy);
}

int run_solve(const SolveCommand& command, const CommonFlags& common) {
  require_writable(common);
  if (!command.trace.empty()) require_folder_of(command.trace);
  solvers::SolveOptions options = command.solve.options(common);
  options.record_trace = !command.trace.empty();
  const Mdp mdp = command.model.read(command.file, common.threads);
  command.solve.require_criterion(mdp);
  const solvers::SolveResult solved = [&] {
    Watch watch("solve", common, expected_half_width(mdp, options));
    return solvers::solve(mdp, watch.on(options));
  }();
  if (!command.trace.empty()) write_trace(command.trace, mdp.objective(), solved.trace);
  const SensedValues values(mdp.objective(), solved.values, solved.value_lower, solved.value_upper);
  present(common, to_result(mdp, solved, values, common.threads), [&] { return tables(mdp, solved, values); });
  return exit_code_of(solved.status);
}

}  // namespace

void add_solve(Command& command) {
  const auto it = std::make_shared<SolveCommand>();
  command.parser().add_option("FILE", it->file, "The model: .json, .npz or .umb")->required();
  it->solve.add_to(command);
  it->model.add_to(command);
  command.parser().add_option("--trace", it->trace, "Write one JSON line per sweep to T")->type_name("T.jsonl");
  command.add_common_flags();
  command.examples(
      "  mdp solve data/frozenlake4x4.json\n"
      "  mdp solve model.umb --discount 0.99 --tolerance 1e-6 --output values.npz\n"
      "  mdp solve model.json --json | python3 -c 'import json,sys; print(json.load(sys.stdin)[\"value\"][0])'");
  command.run([it, &command] { return run_solve(*it, command.common()); });
}

}  // namespace mdp::cli
