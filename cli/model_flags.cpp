#include "cli/model_flags.hpp"

#include <array>

#include <fmt/format.h>

#include "cli/usage.hpp"
#include "libmdp/error.hpp"
#include "libmdp/io/exact_model.hpp"
#include "libmdp/io/number.hpp"
#include "libmdp/io/rational.hpp"

namespace mdp::cli {
namespace {

const std::array<std::string, 2> objectives = {"minimize", "maximize"};
const std::array<std::string, 2> repairs = {"refuse", "absorbing"};

}  // namespace

TwoDouble parse_number(const std::string& option, const std::string& text) {
  if (const auto x = io::parse_number(text)) return *x;
  throw UsageError(fmt::format("{} {}: not a number (write 0.25 or 1/4)", option, text));
}

Discount parse_discount(const std::string& option, const std::string& text) {
  try {
    if (const auto discount = io::parse_discount(text)) return *discount;
  } catch (const InvalidOption& error) {
    throw UsageError(fmt::format("{}: {}", option, error.what()));
  }
  throw UsageError(fmt::format("{} {}: not a number (write 0.99 or 99/100)", option, text));
}

void ModelFlags::add_to(Command& command, bool with_discount) {
  CLI::App& parser = command.parser();
  if (with_discount) {
    parser.add_option("--discount", discount_, "In place of the file's; 0.99 or 99/100, taken exactly")->type_name("G");
  }
  parser.add_option("--objective", objective_, "minimize or maximize, where the file does not say")->type_name("NAME");
  parser.add_option("--goal", goal_, "Goal states in place of the file's: a label, or names or positions")
      ->type_name("LABEL|S,...");
  parser.add_option("--rewards", rewards_, "Which reward structure holds the costs, if there are several")
      ->type_name("NAME");
  parser.add_option("--row-sum-tolerance", row_sum_tolerance_, "Refuse rows whose sum is further from 1 [1e-6]")
      ->type_name("T");
  parser.add_option("--dead-ends", dead_ends_, "States without actions: refuse, or make them absorbing")
      ->type_name("NAME");
}

Mdp ModelFlags::read(const std::string& path, int threads) const {
  if (discount_.empty()) return read_as_it_is(path, threads);
  const Discount discount = parse_discount("--discount", discount_);
  return read_as_it_is(path, threads).with_discount(discount);
}

Mdp ModelFlags::read_as_it_is(const std::string& path, int threads) const {
  return io::read_mdp(path, options(threads));
}

io::ExactModel ModelFlags::read_exact(const std::string& path, int threads) const {
  if (discount_.empty()) return io::read_exact_model(path, options(threads));
  static_cast<void>(parse_discount("--discount", discount_));  // in [0, 1]
  io::ExactModel model = io::read_exact_model(path, options(threads));
  model.discount = *io::parse_rational(discount_);
  return model;
}

io::ExactModel ModelFlags::read_exact_as_it_is(const std::string& path, int threads) const {
  return io::read_exact_model(path, options(threads));
}

solvers::ExactMdp ModelFlags::read_exactly(const std::string& path, int threads) const {
  return solvers::ExactMdp(std::make_shared<const io::ExactModel>(read_exact(path, threads)));
}

io::ReadOptions ModelFlags::options(int threads) const {
  io::ReadOptions options;
  options.row_sum_tolerance = row_sum_tolerance_;
  options.threads = threads;
  if (!objective_.empty()) {
    if (objective_ != objectives[0] && objective_ != objectives[1]) {
      throw unknown_value("--objective", objective_, objectives);
    }
    options.objective = objective_ == "maximize" ? Objective::maximize : Objective::minimize;
  }
  if (!goal_.empty()) options.goal = goal_;
  if (!rewards_.empty()) options.rewards = rewards_;
  if (dead_ends_ != repairs[0] && dead_ends_ != repairs[1]) throw unknown_value("--dead-ends", dead_ends_, repairs);
  options.dead_ends = dead_ends_ == "absorbing" ? DeadEnds::absorbing : DeadEnds::refuse;
  return options;
}

}  // namespace mdp::cli
