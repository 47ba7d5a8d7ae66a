#include <string>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/criterion_flags.hpp"
#include "cli/criterion_result.hpp"
#include "cli/model_flags.hpp"
#include "cli/present.hpp"
#include "cli/result.hpp"
#include "cli/solve_flags.hpp"
#include "cli/trace_file.hpp"
#include "cli/usage.hpp"
#include "cli/watch.hpp"
#include "libmdp/io/read.hpp"
#include "libmdp/policy.hpp"
#include "solvers/applicability.hpp"
#include "solvers/checkpoint.hpp"
#include "solvers/criterion.hpp"
#include "solvers/exact/write_certificate.hpp"

namespace mdp::cli {
namespace {

struct SolveCommand {
  std::string file;
  std::string trace;
  std::string certificate;
  std::string start;
  solvers::CheckpointOptions checkpoint;
  ModelFlags model;
  CriterionFlags criterion;
  SolveFlags solve;
};

// Stages and start vectors belong to the solvers in doubles.
void require_fitting_flags(const SolveCommand& command, solvers::Criterion criterion, solvers::Method method) {
  using solvers::Criterion;
  const bool soft_or_exact = method == solvers::Method::soft_value_iteration || command.solve.exact();
  const bool started = criterion != Criterion::finite && !soft_or_exact;  // finite has no values to start from
  const auto require = [](bool fits, const char* flag, const std::string& given, const char* belongs) {
    if (!fits && !given.empty()) throw UsageError(fmt::format("{} belongs to {}", flag, belongs));
  };
  require(started, "--start", command.start, "criteria discounted, total, goal, reach and average in doubles");
  require(!soft_or_exact, "--checkpoint", command.checkpoint.save, "solvers in doubles");
  require(!soft_or_exact, "--resume", command.checkpoint.resume, "solvers in doubles");
}

solvers::ExactResult solve_by(const SolveCommand& command, const CommonFlags& common, const Mdp& mdp,
                              solvers::Criterion criterion, const solvers::SolveOptions& options) {
  if (command.solve.exact()) {
    return solvers::solve_exactly(command.model.read_exactly(command.file, common.threads), criterion,
                                  command.criterion.exact_options(options));
  }
  if (!command.checkpoint.save.empty() || !command.checkpoint.resume.empty()) {
    return solvers::ExactResult(
        solvers::solve_criterion(mdp, criterion, command.criterion.options(mdp, options), command.checkpoint));
  }
  return solvers::ExactResult(solvers::solve_criterion(mdp, criterion, command.criterion.options(mdp, options)));
}

int run_solve(const SolveCommand& command, const CommonFlags& common) {
  require_writable(common);
  if (!command.trace.empty()) require_folder_of(command.trace);
  if (!command.certificate.empty()) require_folder_of(command.certificate);
  if (!command.checkpoint.save.empty()) require_folder_of(command.checkpoint.save);
  solvers::SolveOptions options = command.solve.options(common);
  options.record_trace = !command.trace.empty();
  const Mdp mdp = command.model.read(command.file, common.threads);
  const solvers::Criterion criterion = command.criterion.choose(mdp, command.model);
  require_fitting_flags(command, criterion, options.method);
  if (!command.start.empty()) {
    options.start = in_sense(mdp.objective(), io::read_values(command.start, mdp.n_states()));
  }
  const solvers::ExactResult solved = [&] {
    Watch watch("solve", common, expected_half_width(mdp, options));
    return solve_by(command, common, mdp, criterion, watch.on(options));
  }();
  if (!command.trace.empty()) write_trace(command.trace, mdp.objective(), solved.trace);
  const std::string missing =
      command.certificate.empty()
          ? ""
          : write_certificate(command.certificate, command.model.read_exactly(command.file, common.threads), solved,
                              command.criterion.exact_options(options));
  const auto set_policy = [&](Result& result) {
    if (!solved.policy.empty()) result.set("policy", std::span<const Action>(solved.policy));
    if (!solved.stochastic_policy.empty()) result.set_rows("policy", mdp, solved.stochastic_policy);
  };
  Result result = to_result(mdp, solved, set_policy, common.threads);
  add_exact(result, mdp, solved);
  return present_answer(common, result, missing, mdp, solved, solved.policy);
}

}  // namespace

void add_solve(Command& command) {
  const auto it = std::make_shared<SolveCommand>();
  command.parser().add_option("FILE", it->file, "The model: .json, .npz, .umb, .tra or .drn")->required();
  it->criterion.add_to(command, true);
  it->solve.add_to(command);
  it->solve.add_temperature_to(command);
  it->solve.allow_exact();
  it->model.add_to(command);
  command.parser().add_option("--trace", it->trace, "Write one JSON line per sweep to T")->type_name("T.jsonl");
  command.parser()
      .add_option("--certificate", it->certificate, "Write a proof of the answer, for verify-certificate, to C")
      ->type_name("C.json");
  command.parser()
      .add_option("--start", it->start, "Values to start from, a JSON array or .npy [zero]")
      ->type_name("FILE");
  command.parser()
      .add_option("--checkpoint", it->checkpoint.save, "Solve in stages of 100 sweeps; write the state after each to C")
      ->type_name("C");
  command.parser()
      .add_option("--resume", it->checkpoint.resume,
                  "Take up a run from its checkpoint: the same bits as never stopped")
      ->type_name("C");
  command.add_common_flags();
  command.examples(
      "  mdp solve data/frozen_lake_4x4.json\n"
      "  mdp solve model.umb --discount 0.99 --tolerance 1e-6 --output values.npz\n"
      "  mdp solve model.json --json | python3 -c 'import json,sys; print(json.load(sys.stdin)[\"value\"][0])'");
  command.run([it, &command] { return run_solve(*it, command.common()); });
}

}  // namespace mdp::cli
