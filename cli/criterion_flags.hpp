// cli/criterion_flags.hpp — the flags that say what is summed, and over which policies.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/model_flags.hpp"
#include "cli/program.hpp"
#include "cli/result.hpp"
#include "libmdp/io/read.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "solvers/criterion.hpp"
#include "solvers/exact/exact.hpp"

namespace mdp::cli {

/// --criterion, --improper, --horizon, --terminal.
class CriterionFlags {
 public:
  /// Adds them all, or --criterion alone for commands that know `discounted` only.
  /// \param names  of the first one
  void add_to(Command& command, bool all, const std::string& names = "--criterion");

  /// The criterion: the flag's, else discounted where the discount is below 1, else goal where there are goals.
  /// \throws UsageError for a word that is none, flags that belong to another criterion, or none that applies.
  [[nodiscard]] solvers::Criterion choose(const Mdp& mdp, const ModelFlags& model) const;
  /// \throws UsageError unless that is `discounted`.
  void require_discounted(const Mdp& mdp, const ModelFlags& model) const;
  /// Options of a solve by this criterion. Reads the terminal cost. \throws InputError
  [[nodiscard]] solvers::CriterionOptions options(const Mdp& mdp, solvers::SolveOptions solve) const;

  /// Sets the keys `improper` and `horizon` where they belong to the criterion.
  void describe(Result& result, solvers::Criterion criterion) const;
  /// The same for the exact level, the terminal cost as written.
  [[nodiscard]] solvers::ExactLevelOptions exact_options(solvers::SolveOptions solve) const;

 private:
  std::string criterion_;
  std::string improper_;
  std::optional<std::int64_t> horizon_;
  std::string terminal_;
};

/// What a policy file of `finite` results says of each stage; empty for other criteria, other files, and without a file.
[[nodiscard]] std::vector<io::PolicyFile> policies_by_stage(const std::string& path, const Mdp& mdp,
                                                            solvers::Criterion criterion);
/// They are referred to.
[[nodiscard]] std::vector<RandomisedPolicy> randomised(const std::vector<io::PolicyFile>& stages);

}  // namespace mdp::cli
