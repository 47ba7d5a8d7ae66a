#include "cli/solve_flags.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/usage.hpp"
#include "libmdp/error.hpp"

namespace mdp::cli {
namespace {

const std::array<std::string, 3> levels = {"approximate", "certified", "exact"};

std::vector<std::string> method_words() {
  std::vector<std::string> words;
  for (const solvers::Method method : solvers::all_methods()) words.emplace_back(to_string(method));
  return words;
}

void require_word(std::string_view option, const std::string& word, std::span<const std::string> allowed) {
  if (std::ranges::find(allowed, word) == allowed.end()) throw unknown_value(option, word, allowed);
}

}  // namespace

void SolveFlags::add_to(Command& command, bool with_method) {
  CLI::App& parser = command.parser();
  if (with_method) {
    parser.add_option("--method", method_, fmt::format("{}", fmt::join(method_words(), ", ")))->type_name("NAME");
  }
  parser.add_option("--level", level_, "certified: proved bounds; approximate: an estimate; exact: rationals")
      ->type_name("NAME");
  parser.add_option("--tolerance", tolerance_, "Absolute half-width A of the enclosure [1e-9 min(1, max |cost|)]")
      ->type_name("A");
  parser.add_option("--relative-tolerance", relative_tolerance_, "Relative half-width R [1e-9]")->type_name("R");
  parser.add_option("--max-sweeps", max_sweeps_, "Stop after N passes over the model")->type_name("N");
  parser
      .add_option("--memory-limit", memory_limit_,
                  "Most that factors of a direct solve may take [half of the free memory]")
      ->type_name("BYTES|KB|MB|GB")
      ->transform(CLI::AsSizeValue(false));
  parser.add_option("--time-limit", time_limit_, "Stop after so many seconds")->type_name("SECONDS");
}

void SolveFlags::add_temperature_to(Command& command) {
  command.parser()
      .add_option("--temperature", temperature_, "soft-value-iteration: weight of the entropy, in units of cost")
      ->type_name("B");
}

solvers::SolveOptions SolveFlags::options(const CommonFlags& common) const {
  require_word("--level", level_, levels);
  require_word("--method", method_, method_words());
  if (exact() && !allows_exact_)
    throw UsageError(
        "--level exact: this command has no such level; solve, evaluate, reference, check and equivalent-cost have it");
  if (exact() && method_ != "auto" && method_ != "policy-iteration") {
    throw UsageError(fmt::format("--method {}: level exact has one method, policy-iteration", method_));
  }
  solvers::SolveOptions options;
  options.method = solvers::method_from_string(method_);
  const bool soft = options.method == solvers::Method::soft_value_iteration;
  if (soft && !temperature_) throw UsageError("--method soft-value-iteration needs --temperature B");
  if (!soft && temperature_) throw UsageError("--temperature belongs to --method soft-value-iteration");
  if (temperature_) options.temperature = *temperature_;
  options.level = level_ == "approximate" ? Level::approximate : Level::certified;
  options.tolerance = tolerance_;
  options.relative_tolerance = relative_tolerance_;
  if (max_sweeps_) options.max_sweeps = *max_sweeps_;
  if (time_limit_) options.time_limit_seconds = *time_limit_;
  if (memory_limit_) options.memory_limit = static_cast<std::int64_t>(*memory_limit_);
  options.threads = common.threads;
  if (const std::string broken = options.check(); !broken.empty()) throw InvalidOption(broken);
  return options;
}

solvers::SoftOptions SolveFlags::soft_options(double temperature, const CommonFlags& common) const {
  if (method_ != "auto") throw UsageError("--method: the soft problem is solved by Newton's method alone");
  if (level_ != "certified") throw UsageError("--level: the soft problem is solved with certificates alone");
  solvers::SoftOptions options;
  options.temperature = temperature;
  options.tolerance = tolerance_;
  options.relative_tolerance = relative_tolerance_;
  if (max_sweeps_) options.max_sweeps = *max_sweeps_;
  if (time_limit_) options.time_limit_seconds = *time_limit_;
  options.threads = common.threads;
  if (const std::string broken = options.check(); !broken.empty()) throw InvalidOption(broken);
  return options;
}

}  // namespace mdp::cli
