#include <algorithm>
#include <filesystem>
#include <string>

#include "cli/commands/commands.hpp"
#include "cli/commands/generate_kind.hpp"
#include "cli/model_file.hpp"
#include "cli/model_flags.hpp"
#include "cli/present.hpp"
#include "cli/result.hpp"
#include "cli/result_file.hpp"
#include "cli/usage.hpp"
#include "libmdp/bounds.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/generate/gridworld.hpp"
#include "libmdp/generate/inventory.hpp"
#include "libmdp/generate/planted.hpp"

namespace mdp::cli {
namespace {

std::string truth_path(const std::string& output) {
  return std::filesystem::path(output).replace_extension().string() + ".truth.json";
}

/// How far the truth may be from V* of the file. The text format rounds entries to decimals, by half an ulp each: T9 with
/// |Delta| <= u max|L| + 2 u max|V*|, rows divided by their sums again.
double truth_error(const generate::Planted& planted, bool entries_rounded) {
  if (!entries_rounded) return planted.value_error_bound;
  const double largest = *std::ranges::max_element(planted.values);
  const double residual = unit_roundoff * (planted.mdp.max_abs_cost() + 2 * largest);
  return bounds::round_up(planted.value_error_bound + bounds::value_error(residual, planted.mdp.exact_discount()));
}

void write_truth(const std::string& path, const generate::Planted& planted, double error) {
  Result truth;
  truth.set("level", error == 0 ? "exact" : "certified");
  truth.set("criterion", "discounted");
  truth.set("objective", objective_word(planted.mdp.objective()));
  truth.set("discount", planted.mdp.discount());
  truth.set("value", in_sense(planted.mdp.objective(), planted.values));
  truth.set("policy", std::span<const Action>(planted.policy));
  truth.set_rows("q", planted.mdp, in_sense(planted.mdp.objective(), planted.q));
  truth.set("value_error_bound", error);
  write_result(path, truth);
}

void add_shape(CLI::App& parser, generate::RandomShape& shape, std::uint64_t& seed) {
  parser.add_option("--states", shape.states, "Number of states")->type_name("N")->capture_default_str();
  parser.add_option("--actions", shape.actions, "Actions per state")->type_name("N")->capture_default_str();
  parser.add_option("--successors", shape.successors, "Distinct successors per row")
      ->type_name("N")
      ->capture_default_str();
  add_seed(parser, seed);
}

void add_garnet(CLI::App& generate, std::deque<Command>& kinds) {
  const Kind kind =
      start_kind(generate, kinds, "garnet", "Random sparse model: uniform successors, spacings, costs in [0, 1)");
  const auto options = std::make_shared<generate::GarnetOptions>();
  add_shape(kind.parser, options->shape, options->seed);
  finish_kind(kind, options, [options, line = kind.line] {
    options->threads = line->threads;
    return deliver(*line, generate::garnet(*options));
  });
}

void add_planted(CLI::App& generate, std::deque<Command>& kinds) {
  const Kind kind =
      start_kind(generate, kinds, "planted", "Random sparse model with known V*, Q*, policy (FILE's stem.truth.json)");
  const auto options = std::make_shared<generate::PlantedOptions>();
  add_shape(kind.parser, options->shape, options->seed);
  finish_kind(kind, options, [options, line = kind.line] {
    options->threads = line->threads;
    const generate::Planted planted = generate::planted(*options);
    const std::string truth = truth_path(line->output);
    const std::vector<std::string> lost = write_model(line->output, planted.mdp);
    write_truth(truth, planted, truth_error(planted, !lost.empty()));
    return report_generated(*line, planted.mdp, lost, truth);
  });
}

/// Flags of a grid; a preset fixes all of them.
struct GridFlags {
  std::string preset;
  std::optional<std::int64_t> width, height;
  std::optional<std::string> slip, moves;
};

generate::GridworldOptions grid_options(const GridFlags& flags) {
  static const std::array<std::string, 2> presets = {"frozenlake4x4", "frozenlake8x8"};
  static const std::array<std::string, 2> orders = {"clockwise", "gymnasium"};
  if (!flags.preset.empty()) {
    if (flags.width || flags.height || flags.slip || flags.moves) {
      throw UsageError("--preset fixes size, slip and moves: leave out --width, --height, --slip and --moves");
    }
    if (flags.preset == presets[0]) return generate::frozenlake4x4();
    if (flags.preset == presets[1]) return generate::frozenlake8x8();
    throw unknown_value("--preset", flags.preset, presets);
  }
  generate::GridworldOptions options;
  if (flags.width) options.width = *flags.width;
  if (flags.height) options.height = *flags.height;
  if (flags.slip) options.slip = parse_number("--slip", *flags.slip);
  const std::string order = flags.moves.value_or(orders[0]);
  if (std::ranges::find(orders, order) == orders.end()) throw unknown_value("--moves", order, orders);
  options.order = order == orders[0] ? generate::MoveOrder::clockwise : generate::MoveOrder::gymnasium;
  return options;
}

void add_gridworld(CLI::App& generate, std::deque<Command>& kinds) {
  const Kind kind =
      start_kind(generate, kinds, "gridworld", "Walk on a grid with slipping; FrozenLake among the presets");
  const auto flags = std::make_shared<GridFlags>();
  kind.parser.add_option("--preset", flags->preset, "frozenlake4x4 or frozenlake8x8 (rewards, maximised)")
      ->type_name("NAME");
  kind.parser.add_option("--width", flags->width, "Columns [10]")->type_name("N");
  kind.parser.add_option("--height", flags->height, "Lines [10]")->type_name("N");
  kind.parser.add_option("--slip", flags->slip, "Probability of moving left, and right, of the aim [0.1]")
      ->type_name("P");
  kind.parser
      .add_option("--moves", flags->moves,
                  "Order of the actions: clockwise from up, or gymnasium (left, down, right, up) [clockwise]")
      ->type_name("NAME");
  kind.command.run([flags, line = kind.line] {
    generate::GridworldOptions options = grid_options(*flags);
    prepare(*line, options.discount);
    return deliver(*line, generate::gridworld(options));
  });
}

void add_inventory(CLI::App& generate, std::deque<Command>& kinds) {
  const Kind kind = start_kind(generate, kinds, "inventory", "Two products, random demand, lost sales");
  const auto options = std::make_shared<generate::InventoryOptions>();
  const auto mean = std::make_shared<bool>(false);
  kind.parser.add_option("--capacity", options->capacity, "Largest stock of each product; (capacity+1)^2 states")
      ->type_name("N")
      ->capture_default_str();
  kind.parser.add_option("--lots", options->lots, "Units that can be ordered of each product")
      ->type_name("N,...")
      ->delimiter(',')
      ->capture_default_str();
  kind.parser.add_flag("--mean-demand", *mean, "The deterministic model: demand is always its rounded mean");
  finish_kind(kind, options, [options, mean, line = kind.line] {
    return deliver(*line, *mean ? generate::inventory_mean_demand(*options) : generate::inventory(*options));
  });
}

}  // namespace

void add_generate(Command& command, std::deque<Command>& kinds) {
  CLI::App& parser = command.parser();
  parser.require_subcommand(1);
  add_garnet(parser, kinds);
  add_gridworld(parser, kinds);
  add_inventory(parser, kinds);
  add_planted(parser, kinds);
  add_process_kinds(parser, kinds);
  parser.footer(
      "Examples:\n"
      "  mdp generate gridworld --preset frozenlake4x4 --output lake.json\n"
      "  mdp generate garnet --states 1000 --actions 4 --successors 5 --discount 0.99 --seed 7 --output g.umb\n"
      "  mdp generate planted --states 100 --output p.npz        # and p.truth.json");
}

}  // namespace mdp::cli
