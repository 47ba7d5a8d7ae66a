// libmdp/io/read.hpp — an Mdp, a policy or values from a file. The formats are described in docs/formats.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"

namespace mdp::io {

/// What a reader takes as given; the optional members complete formats that lack the fact.
struct ReadOptions {
  /// A row is refused if |sum - 1| > row_sum_tolerance. In [0, 1).
  double row_sum_tolerance = 1e-6;
  /// What a state that is no goal and has no choice becomes.
  DeadEnds dead_ends = DeadEnds::refuse;
  /// Sense of the costs where the file does not say (else minimize). A file that says otherwise is refused.
  std::optional<Objective> objective = {};
  /// The goal states, in place of the file's: a label of the file, or names or positions of states separated by
  /// commas. A goal state of the file that has no choices and is not among them is a dead end.
  std::optional<std::string> goal = {};
  /// Which reward structure holds the costs, for files that have several.
  std::optional<std::string> rewards = {};
  int threads = 0;  ///< 0 = all

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// Reads a model; the format is known by the file name: .json (small text format), .npz (arrays), .umb, .tra (PRISM's explicit
/// files, with .lab, .srew, .trew and .sta where they lie beside it), .drn, .drn.gz, .drn.xz (Storm).
/// Costs are minimised in the result, rewards negated, whatever the file's sense; rows are normalised once
/// (theory.md, section 0). \throws InputError (missing, unreadable or empty file, unknown format, broken rule,
/// with file, line or entry, value and rule); InvalidOption. Cost O(size of the file), no more memory than in
/// proportion to the file's contents, whatever sizes it announces.
[[nodiscard]] Mdp read_mdp(const std::string& path, const ReadOptions& options = {});

/// A policy file for a given MDP: deterministic if every state has an action position.
struct PolicyFile {
  bool deterministic = false;
  Policy actions;                  ///< [n_states] if deterministic, else empty
  StochasticPolicy probabilities;  ///< [n_rows], always filled
  std::vector<double> tail;        ///< [n_rows] what the text says beyond those doubles; empty if deterministic

  [[nodiscard]] RandomisedPolicy randomised() const { return {probabilities, tail}; }
};

/// Reads a policy: a JSON array with, per state, an action position or an array of probabilities over the state's
/// actions (both kinds may stand in one file), or a JSON object of results whose key "policy" holds one.
/// Probabilities are numbers or strings "a/b", 0 or at least 1e-290, and sum to 1 within 1e-9; they are divided by their sum.
/// \throws InputError naming the entry.
[[nodiscard]] PolicyFile read_policy(const std::string& path, const Mdp& mdp);

/// The policies of results of `finite`: the key "policy_by_stage" of a JSON object, stage 0 first, each as above. Empty where the
/// file has no such key. \throws InputError naming the entry.
[[nodiscard]] std::vector<PolicyFile> read_policy_by_stage(const std::string& path, const Mdp& mdp);

/// Reads a vector of numbers in the sense of the file: a JSON array, the key `key` of a JSON object of results, a
/// .npy vector, or the array `key` of an .npz file. JSON strings "inf", "-inf" and "a/b" are numbers.
/// \param n  length that the vector must have. \throws InputError.
[[nodiscard]] std::vector<double> read_values(const std::string& path, std::int64_t n, std::string_view key = "value");

}  // namespace mdp::io
