#include <optional>
#include <string>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/interrupt.hpp"
#include "cli/present.hpp"
#include "cli/progress.hpp"
#include "cli/study/sim2real.hpp"
#include "cli/usage.hpp"

namespace mdp::cli {
namespace {

struct TuneCommand {
  std::string config;
  std::string experiment, learner;
  std::string checkpoint, resume;
  std::optional<std::int64_t> iterations;
  bool check = false;
};

/// Runs the learners under a progress line; writes a checkpoint at every iterate, stops at Ctrl-C or after --iterations.
std::vector<study::ExperimentOutcome> learn(const TuneCommand& command, const study::Sim2RealConfig& config,
                                            const CommonFlags& common) {
  study::Sim2RealOptions options;
  options.threads = common.threads;
  options.experiment = command.experiment;
  options.learner = command.learner;
  options.check = command.check;
  if (!command.resume.empty()) options.resume = study::read_checkpoint(command.resume, config);
  const InterruptScope scope;
  Progress progress("tune", common.quiet);
  std::int64_t left = command.iterations.value_or(-1);
  options.observer = [&](const std::string& where, const study::TuneProgress& at) {
    const auto& record = at.current->trace.back();
    progress.update(not_computed, [&] {
      return fmt::format("{}: step {}, regret at most {:.3g}", where, record.iteration, record.regret.upper);
    });
    if (!command.checkpoint.empty()) study::write_checkpoint(command.checkpoint, config, at);
    return !interrupted() && (left < 0 || left-- > 0);
  };
  return study::run_learners(config, options);
}

int run_tune(const TuneCommand& command, const CommonFlags& common) {
  require_writable(common);
  if (!command.checkpoint.empty()) require_folder_of(command.checkpoint);
  if (command.iterations && *command.iterations < 0) throw UsageError("--iterations must be at least 0");
  const study::Sim2RealConfig config = study::read_sim2real(command.config);
  const std::vector<study::ExperimentOutcome> outcomes = learn(command, config, common);
  const Result result = study::sim2real_json(config, outcomes);
  present(common, result, [&] { return config.title + "\n\n" + study::sim2real_tables(outcomes, false); });
  return exit_code_of(study::all_ended(outcomes) ? Status::converged : Status::sweep_limit);
}

}  // namespace

void add_tune(Command& command) {
  const auto it = std::make_shared<TuneCommand>();
  CLI::App& parser = command.parser();
  parser.add_option("CONFIG", it->config, "A study of kind sim2real: a .toml file (docs/sim2real.md)")->required();
  parser.add_option("--experiment", it->experiment, "Only this experiment")->type_name("NAME");
  parser.add_option("--learner", it->learner, "Only this learner, and those it starts from")->type_name("NAME");
  parser.add_option("--checkpoint", it->checkpoint, "Written at every iterate")->type_name("FILE");
  parser.add_option("--resume", it->resume, "Go on from a checkpoint, to the bit")->type_name("FILE");
  parser.add_option("--iterations", it->iterations, "Stop after so many iterates of this run, with a checkpoint")
      ->type_name("N");
  parser.add_flag("--check", it->check, "Finite differences beside dJ/dtheta at each learner's start");
  command.add_common_flags();
  command.examples(
      "  mdp tune data/studies/sim2real.toml\n"
      "  mdp tune data/studies/sim2real.toml --experiment gridworld --learner cost --check --json");
  command.run([it, &command] { return run_tune(*it, command.common()); });
}

}  // namespace mdp::cli
