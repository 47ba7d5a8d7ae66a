#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/console.hpp"
#include "cli/exit_code.hpp"
#include "cli/progress.hpp"
#include "cli/study/config.hpp"
#include "cli/study/experiment.hpp"
#include "cli/study/report.hpp"

namespace mdp::cli {
namespace {

struct StudyCommand {
  std::string config;
  std::string folder;
  bool json = false;
  bool quiet = false;
  int threads = 0;
};

bool converged(const study::Experiment& experiment) {
  return experiment.solved.converged() && experiment.estimator.consistent &&
         std::ranges::all_of(experiment.models, [](const study::ModelStudy& model) {
           return model.as_fitted.status == Status::converged && model.with_cost.status == Status::converged;
         });
}

int run_study(const StudyCommand& command) {
  const study::StudyConfig config = study::read_config(command.config);
  const study::Experiment experiment = [&] {
    Progress progress("study", command.quiet);
    return study::run(config, command.threads,
                      [&](const std::string& part) { progress.update(not_computed, [&] { return part; }); });
  }();
  study::write_report(command.folder, config, experiment);
  if (command.json) {
    print(study::report_json(config, experiment).json());
  } else {
    std::string text;
    for (const std::string& line : study::highlights(experiment)) text += "- " + line + "\n";
    print(fmt::format("{}\n\n{}\nreport  {}/report.md\nnumbers {}/report.json\n", config.title, text, command.folder,
                      command.folder));
  }
  return converged(experiment) ? exit_done : exit_not_met;
}

}  // namespace

void add_study(Command& command) {
  const auto it = std::make_shared<StudyCommand>();
  CLI::App& parser = command.parser();
  parser.add_option("CONFIG", it->config, "The study: a .toml file (docs/study.md)")->required();
  parser.add_option("--output", it->folder, "Folder for the report, made if needed")->required()->type_name("DIR");
  parser.add_flag("--json", it->json, "Print report.json instead of the highlights");
  parser.add_flag("--quiet", it->quiet, "No progress line");
  parser.add_option("--threads", it->threads, "Threads; 0 = all (the answer is the same)")
      ->check(CLI::Range(0, 4096).description(""))
      ->type_name("N");
  command.examples("  mdp study data/studies/frozen_lake.toml --output out/frozen_lake");
  command.run([it] { return run_study(*it); });
}

}  // namespace mdp::cli
