// solvers/checkpoint.hpp — a long run of the discounted criterion in stages, written to a file and taken up again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "solvers/options.hpp"
#include "solvers/result.hpp"

namespace mdp::solvers {

/// A run with checkpoints is cut into stages of so many sweeps. A stage depends on its first V and policy alone: the method
/// starts afresh. So a run that is taken up from a file continues as one that was never stopped, to the last bit (with the
/// same options, any number of threads), and every method can be taken up, whatever it remembers inside a stage.
struct CheckpointOptions {
  std::string save;                     ///< file written at the end of every stage, whole or not at all; "" = none
  std::string resume;                   ///< file to start from; "" = from SolveOptions::start
  std::int64_t sweeps_per_stage = 100;  ///< >= 1

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// The state between two stages.
struct Checkpoint {
  std::uint64_t identity = 0;  ///< of the MDP and of the options that the answer depends on
  std::int64_t sweeps = 0;
  std::int64_t iterations = 0;
  double bytes = 0.0;
  std::vector<double> values;  ///< [n_states] V, up to a constant
  Policy policy;               ///< [n_states]
};

/// FNV-1a of the arrays and discount of the MDP, of method, level, accuracy, linear solver and temperature, of the start
/// and of the length of a stage: what two runs must share to give the same bits.
[[nodiscard]] std::uint64_t identity_of(const Mdp& mdp, const SolveOptions& options, std::int64_t sweeps_per_stage);

/// \throws OutputError.
void write_checkpoint(const std::string& path, const Checkpoint& checkpoint);
/// \throws InputError if the file is missing, is no checkpoint, is damaged, or is not of this MDP and these options.
[[nodiscard]] Checkpoint read_checkpoint(const std::string& path, std::uint64_t identity, State n_states);

/// solve() in stages. Limits count over all of them; `seconds` and the trace are those of this call.
/// \throws as solve(), InputError, OutputError.
[[nodiscard]] SolveResult solve(const Mdp& mdp, const SolveOptions& options, const CheckpointOptions& checkpoint);

}  // namespace mdp::solvers
