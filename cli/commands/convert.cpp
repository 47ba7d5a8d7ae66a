#include <filesystem>
#include <string>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/model_file.hpp"
#include "cli/model_flags.hpp"
#include "cli/present.hpp"
#include "cli/result.hpp"
#include "cli/table.hpp"

namespace mdp::cli {
namespace {

struct ConvertCommand {
  std::string in;
  std::string out;
  ModelFlags model;
};

int run_convert(const ConvertCommand& command, const CommonFlags& common) {
  require_writable(common);
  require_model_file(command.out);
  const Mdp mdp = command.model.read(command.in, common.threads);
  const std::vector<std::string> lost = write_model(command.out, mdp);
  Result result;
  result.set("input", command.in);
  result.set("output", command.out);
  result.set("n_states", std::int64_t{mdp.n_states()});
  result.set("n_rows", mdp.n_rows());
  result.set("n_transitions", mdp.n_transitions());
  result.set("lost", lost);
  present(common, result, [&] {
    std::string text = fmt::format("{}: {} states, {} rows, {} transitions\n", command.out, count_text(mdp.n_states()),
                                   count_text(mdp.n_rows()), count_text(mdp.n_transitions()));
    if (lost.empty()) text += "nothing lost\n";
    for (const auto& what : lost) text += "lost: " + what + "\n";
    return text;
  });
  return exit_done;
}

}  // namespace

void add_convert(Command& command) {
  const auto it = std::make_shared<ConvertCommand>();
  command.parser().add_option("IN", it->in, "The model to read: .json, .npz, .umb, .tra or .drn")->required();
  command.parser().add_option("OUT", it->out, "The file to write: " + model_formats())->required();
  it->model.add_to(command);
  command.add_common_flags();
  command.examples(
      "  mdp convert model.json model.umb\n  mdp convert arrays.npz model.json --discount 99/100\n"
      "  mdp convert prism.tra model.drn --rewards time");
  command.run([it, &command] { return run_convert(*it, command.common()); });
}

}  // namespace mdp::cli
