// cli/program.hpp — the program `mdp`: parse, run one command, map what happened to an exit code.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace mdp::cli {

/// The flags that every command takes.
struct CommonFlags {
  bool json = false;   ///< --json: one JSON object on standard output instead of tables
  bool quiet = false;  ///< --quiet: no progress bar
  std::string output;  ///< --output FILE.json|FILE.npz, or empty
  int threads = 0;     ///< --threads; 0 = all
};

/// Which of them a command has; --json and --quiet always.
struct CommonFlagSet {
  bool output = true;
  bool threads = true;
};

/// A command under construction: its parser, and what to run once the line is parsed.
class Command {
 public:
  /// \param parser  the subcommand's parser
  explicit Command(CLI::App& parser) : parser_(&parser) {}

  [[nodiscard]] CLI::App& parser() { return *parser_; }
  [[nodiscard]] const CommonFlags& common() const { return *common_; }

  void add_common_flags(CommonFlagSet which = {.output = true, .threads = true});
  /// Lines shown at the end of --help.
  void examples(const std::string& text);
  /// What to do; returns an exit code.
  void run(std::function<int()> body) { body_ = std::move(body); }
  [[nodiscard]] bool chosen() const { return parser_->parsed() && body_; }
  [[nodiscard]] int operator()() const { return body_(); }

 private:
  CLI::App* parser_;
  std::shared_ptr<CommonFlags> common_ = std::make_shared<CommonFlags>();
  std::function<int()> body_;
};

/// The whole program but for main(): returns the exit code, never throws.
int run_program(int argc, const char* const* argv);

}  // namespace mdp::cli
