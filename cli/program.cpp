#include "cli/program.hpp"

#include <deque>
#include <new>
#include <vector>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/console.hpp"
#include "cli/exit_code.hpp"
#include "cli/usage.hpp"
#include "libmdp/error.hpp"

namespace mdp::cli {
namespace {

struct Entry {
  const char* name;
  const char* summary;
  void (*add)(Command&);
};

constexpr Entry entries[] = {
    {"info", "What a model is: sizes, structure, reachability", add_info},
    {"solve", "Optimal values and policy, with proved bounds", add_solve},
    {"evaluate", "Values of a given policy, with proved bounds", add_evaluate},
    {"reference", "Reference results: exact fractions, or N certified digits", add_reference},
    {"verify-certificate", "Does a certificate prove what it claims? By independent code", add_verify_certificate},
    {"certify", "What values from anywhere prove: bounds, policy loss, actions", add_certify},
    {"convert", "Between file formats, saying what is lost", add_convert},
    {"equivalent-cost", "The cost that makes a model decide as the world does", add_equivalent_cost},
    {"equivalent-model", "The nearest model that decides as the world does", add_equivalent_model},
    {"check", "Which level of equivalence a world and a model have, and why not more", add_check},
    {"fit", "A model from transition data, by likelihood, by values, or under equivalence", add_fit},
    {"bisimulation", "States that behave alike, their quotient, and how far states are from it", add_bisimulation},
    {"gradient", "Exact derivatives of optimal and of in-real values", add_gradient},
    {"sensitivity", "How in-sim optimal policies move with the model's parameters", add_sensitivity},
    {"tune", "In-real learning over in-sim learning: learners side by side", add_tune},
    {"estimate", "A sampled policy gradient beside its exact mean and variance", add_estimate},
    {"study", "The whole job from one configuration file, with a report", add_study},
};

/// Names the commands and options that a word of the line may have meant.
std::vector<std::string> options_of(const CLI::App& parser) {
  std::vector<std::string> names;
  for (const CLI::Option* option : parser.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  return names;
}

std::vector<std::string> commands_of(const CLI::App& parser) {
  std::vector<std::string> names;
  for (const CLI::App* child : parser.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(child->get_name());
  }
  return names;
}

/// The innermost parser that the line reached.
const CLI::App& reached(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : reached(*chosen.front());
}

std::string full_name(const CLI::App& parser) {
  const CLI::App* parent = parser.get_parent();
  return parent == nullptr ? "mdp" : full_name(*parent) + " " + parser.get_name();
}

std::string help_of(const CLI::App& parser) {
  const CLI::App* parent = parser.get_parent();
  return parser.help(parent == nullptr ? "" : full_name(*parent));
}

/// One line on what CLI11 found wrong, with a suggestion where a word is misspelt.
std::string explain(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& parser = reached(app);
  const auto stray = app.remaining(true);
  if (stray.empty()) {
    std::string what = error.what();
    if (const auto end = what.find('\n'); end != std::string::npos) {
      what.resize(end);
    }
    return what;
  }
  const std::string word = stray.front().substr(0, stray.front().find('='));
  if (word.starts_with("-")) {
    return fmt::format("{}: no such option: {}{}", full_name(parser), word, suggestion(word, options_of(parser)));
  }
  if (const auto commands = commands_of(parser); !commands.empty()) {
    return fmt::format("{}: no such command: {}{}", full_name(parser), word, suggestion(word, commands));
  }
  return fmt::format("{}: what is '{}' for? One argument too many", full_name(parser), word);
}

int complain_usage(const CLI::App& app, const std::string& what) {
  complain("error", fmt::format("{} (see {} --help)", what, full_name(reached(app))));
  return exit_usage;
}

/// Runs a command: the one place where exceptions become exit codes.
int guarded(const CLI::App& app, const std::function<int()>& body) {
  try {
    return body();
  } catch (const UsageError& error) {
    return complain_usage(app, error.what());
  } catch (const InvalidOption& error) {
    return complain_usage(app, error.what());
  } catch (const Error& error) {
    complain("error", error.what());
    return exit_bad_input;
  } catch (const std::bad_alloc&) {
    complain("error", "out of memory: the model does not fit into this machine");
    return exit_bad_input;
  } catch (const std::exception& error) {
    complain("internal error", fmt::format("{} (a defect of mdp: please report it)", error.what()));
    return exit_internal;
  }
}

std::unique_ptr<CLI::App> make_app() {
  auto app = std::make_unique<CLI::App>(
      "mdp: exact answers about finite Markov decision processes, and about models of them", "mdp");
  app->set_version_flag("--version", std::string("mdp ") + MDP_VERSION, "Print the version and exit");
  app->require_subcommand(1);
  app->get_formatter()->column_width(38);
  app->footer(
      "Every command takes --help. Exit codes: 0 done and, where asked, holds; 1 finished but not\n"
      "converged or does not hold; 2 wrong usage; 3 a file is missing, wrong or cannot be written.");
  return app;
}

/// An empty text is no value for any option of any command (CLI11 would take it as none given).
void refuse_empty_values(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    option->check([](const std::string& value) { return std::string(value.empty() ? "the value is empty" : ""); });
  }
  for (CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) refuse_empty_values(*child);
}

}  // namespace

void Command::add_common_flags(CommonFlagSet which) {
  CommonFlags& flags = *common_;
  parser_->add_flag("--json", flags.json, "Print one JSON object instead of tables");
  if (which.output) {
    parser_->add_option("--output", flags.output, "Write the results to FILE (.json or .npz)")->type_name("FILE");
  }
  parser_->add_flag("--quiet", flags.quiet, "No progress bar");
  if (which.threads) {
    parser_->add_option("--threads", flags.threads, "Threads; 0 = all (the answer is the same)")
        ->check(CLI::Range(0, 4096).description(""))
        ->type_name("N");
  }
}

void Command::examples(const std::string& text) { parser_->footer("Examples:\n" + text); }

int run_program(int argc, const char* const* argv) {
  const auto app = make_app();
  std::deque<Command> commands;
  const auto add = [&](const Entry& entry) {
    CLI::App* parser = app->add_subcommand(entry.name, entry.summary);
    parser->get_formatter()->column_width(38);
    entry.add(commands.emplace_back(*parser));
  };
  for (const Entry& entry : entries) {
    add(entry);
  }
  CLI::App* generate = app->add_subcommand("generate", "Make a model: garnet, gridworld, inventory, queue, ...");
  Command generator(*generate);
  add_generate(generator, commands);

  refuse_empty_values(*app);

  try {
    app->parse(argc, argv);
  } catch (const CLI::Success& request) {  // --help, --version
    return guarded(*app, [&] {
      print(request.get_name() == "CallForVersion" ? std::string(request.what()) + "\n" : help_of(reached(*app)));
      return exit_done;
    });
  } catch (const CLI::ParseError& error) {
    return complain_usage(*app, explain(*app, error));
  }
  for (const Command& command : commands) {
    if (command.chosen()) {
      return guarded(*app, [&] { return command(); });
    }
  }
  return complain_usage(*app, "nothing to do");
}

}  // namespace mdp::cli
