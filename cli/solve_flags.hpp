// cli/solve_flags.hpp — the flags that say what to solve for, how well and for how long.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/program.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/options.hpp"
#include "solvers/soft.hpp"

namespace mdp::cli {

/// --level, --tolerance, --relative-tolerance, --max-sweeps, --time-limit, --memory-limit, and --method where a
/// policy is sought.
class SolveFlags {
 public:
  void add_to(Command& command, bool with_method = true);
  /// For commands that have a level exact: without it, options() refuses that word.
  void allow_exact() { allows_exact_ = true; }
  /// --temperature, for commands that solve the soft problem by --method soft-value-iteration.
  void add_temperature_to(Command& command);

  /// Whether --level exact was asked for; options() then are those of the run around it.
  [[nodiscard]] bool exact() const { return level_ == "exact"; }
  /// Options of a solve, without an observer. \throws UsageError, InvalidOption.
  [[nodiscard]] solvers::SolveOptions options(const CommonFlags& common) const;
  /// The same for an entropy-regularised solve, which has one method and one level. \throws UsageError, InvalidOption.
  [[nodiscard]] solvers::SoftOptions soft_options(double temperature, const CommonFlags& common) const;

 private:
  std::string method_ = "auto";
  std::string level_ = "certified";
  bool allows_exact_ = false;
  std::optional<double> tolerance_;
  std::optional<double> relative_tolerance_;
  std::optional<std::int64_t> max_sweeps_;
  std::optional<double> time_limit_;
  std::optional<double> temperature_;
  std::optional<std::uint64_t> memory_limit_;
};

}  // namespace mdp::cli
