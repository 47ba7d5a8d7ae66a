#include <string>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/console.hpp"
#include "cli/exit_code.hpp"
#include "cli/progress.hpp"
#include "cli/study/kind.hpp"

namespace mdp::cli {
namespace {

struct StudyCommand {
  std::string config;
  std::string folder;
  bool json = false;
  bool quiet = false;
  int threads = 0;
};

int run(const StudyCommand& command) {
  const auto [title, report] = [&] {
    Progress progress("study", command.quiet);
    return study::run_study(command.config, {command.threads, [&](const std::string& part) {
                                               progress.update(not_computed, [&] { return part; });
                                             }});
  }();
  study::write_report(command.folder, report);
  if (command.json) {
    print(report.json.json());
  } else {
    std::string text;
    for (const std::string& line : report.highlights) text += "- " + line + "\n";
    print(fmt::format("{}\n\n{}\nreport  {}/report.md\nnumbers {}/report.json\n", title, text, command.folder,
                      command.folder));
  }
  return report.holds ? exit_done : exit_not_met;
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
  command.run([it] { return run(*it); });
}

}  // namespace mdp::cli
