// cli/commands/generate_kind.hpp — what the kinds of models that `mdp generate` makes have in common.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/program.hpp"
#include "libmdp/error.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::cli {

/// What the line said; an empty text leaves the generator's default.
struct GenerateCommand {
  std::string kind;
  std::string output;
  std::string discount;
  bool json = false;
  int threads = 0;
};

/// One kind under construction.
struct Kind {
  CLI::App& parser;
  Command& command;
  std::shared_ptr<GenerateCommand> line = std::make_shared<GenerateCommand>();
};

/// A subcommand with the flags of all kinds: --output, --discount, --json, --threads.
[[nodiscard]] Kind start_kind(CLI::App& generate, std::deque<Command>& kinds, const std::string& name,
                              const std::string& summary);

/// Refuses a file name that cannot be served and reads --discount into `discount`, where it was given.
void prepare(const GenerateCommand& line, Discount& discount);

/// Says what was written. \param also  a second file, or ""
int report_generated(const GenerateCommand& line, const Mdp& mdp, const std::vector<std::string>& lost,
                     const std::string& also);
/// Writes the model and says what it is.
int deliver(const GenerateCommand& line, const Mdp& mdp);

/// Runs `make` on the options of a kind once they are complete and valid.
template <class Options>
void finish_kind(const Kind& kind, std::shared_ptr<Options> options, const std::function<int()>& make) {
  kind.command.run([line = kind.line, options, make] {
    prepare(*line, options->discount);
    if (const std::string broken = options->check(); !broken.empty()) throw InvalidOption(broken);
    return make();
  });
}

/// Adds an option with its default shown. `type_name` N for counts, P for probabilities, C for costs, K for seeds.
template <class T>
CLI::Option* add_shown(CLI::App& parser, const std::string& flag, T& value, const std::string& what,
                       const std::string& type_name = "N") {
  return parser.add_option(flag, value, what)->type_name(type_name)->capture_default_str();
}

/// --seed.
void add_seed(CLI::App& parser, std::uint64_t& seed);

/// The kinds chain, haddad-monmege, queue, replacement, pendulum and epidemic.
void add_process_kinds(CLI::App& generate, std::deque<Command>& kinds);

}  // namespace mdp::cli
