#include "cli/commands/generate_kind.hpp"

#include <fmt/format.h>

#include "cli/exit_code.hpp"
#include "cli/model_file.hpp"
#include "cli/model_flags.hpp"
#include "cli/present.hpp"
#include "cli/result.hpp"
#include "cli/table.hpp"

namespace mdp::cli {

Kind start_kind(CLI::App& generate, std::deque<Command>& kinds, const std::string& name, const std::string& summary) {
  CLI::App* parser = generate.add_subcommand(name, summary);
  Kind kind{*parser, kinds.emplace_back(*parser)};
  kind.line->kind = name;
  parser->add_option("--output", kind.line->output, "The file to write: " + model_formats())
      ->required()
      ->type_name("FILE");
  parser->add_option("--discount", kind.line->discount, "0.99 or 99/100, taken exactly")->type_name("G");
  parser->add_flag("--json", kind.line->json, "Print one JSON object instead of text");
  parser->add_option("--threads", kind.line->threads, "Threads; 0 = all (the model is the same)")
      ->check(CLI::Range(0, 4096).description(""))
      ->type_name("N");
  return kind;
}

void prepare(const GenerateCommand& line, Discount& discount) {
  require_model_file(line.output);
  if (!line.discount.empty()) discount = parse_discount("--discount", line.discount);
}

int report_generated(const GenerateCommand& line, const Mdp& mdp, const std::vector<std::string>& lost,
                     const std::string& also) {
  Result result;
  result.set("kind", line.kind);
  result.set("output", line.output);
  if (!also.empty()) result.set("truth", also);
  result.set("n_states", std::int64_t{mdp.n_states()});
  result.set("n_rows", mdp.n_rows());
  result.set("n_transitions", mdp.n_transitions());
  result.set("objective", objective_word(mdp.objective()));
  result.set("discount", mdp.discount());
  result.set("lost", lost);
  CommonFlags flags;
  flags.json = line.json;
  present(flags, result, [&] {
    std::string text = fmt::format("{}: {}, {} states, {} rows, {} transitions, discount {}\n", line.output, line.kind,
                                   count_text(mdp.n_states()), count_text(mdp.n_rows()),
                                   count_text(mdp.n_transitions()), mdp.discount());
    if (!also.empty()) text += also + ": its value, q and policy\n";
    for (const auto& what : lost) text += "lost: " + what + "\n";
    return text;
  });
  return exit_done;
}

int deliver(const GenerateCommand& line, const Mdp& mdp) {
  return report_generated(line, mdp, write_model(line.output, mdp), "");
}

void add_seed(CLI::App& parser, std::uint64_t& seed) {
  add_shown(parser, "--seed", seed, "The same seed gives the same model anywhere", "K");
}

}  // namespace mdp::cli
