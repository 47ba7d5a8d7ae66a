// solvers/checkpoint.hpp — a long run in stages, written to a file and taken up again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"
#include "solvers/criterion.hpp"
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
  std::vector<double>
      values;     ///< [n_states] V, up to a constant; `finite`: what the stages done are (finite_horizon.cpp)
  Policy policy;  ///< [n_states]; `finite`: [stages done * n_states]
  double closest = infinity;  ///< least error bound so far (criteria without a discount)
  std::int64_t idle = 0;      ///< stages in a row that brought nothing closer
};

/// identity_of() and what else an answer by this criterion depends on.
[[nodiscard]] std::uint64_t identity_of(const Mdp& mdp, Criterion criterion, const CriterionOptions& options,
                                        std::int64_t sweeps_per_stage);

/// FNV-1a of the arrays and discount of the MDP, of method, level, accuracy, linear solver and temperature, of the start
/// and of the length of a stage: what two runs must share to give the same bits.
[[nodiscard]] std::uint64_t identity_of(const Mdp& mdp, const SolveOptions& options, std::int64_t sweeps_per_stage);

/// \throws OutputError.
void write_checkpoint(const std::string& path, const Checkpoint& checkpoint);
/// \throws InputError if the file is missing, is no checkpoint, is damaged, or is not of this MDP and these options.
[[nodiscard]] Checkpoint read_checkpoint(const std::string& path, std::uint64_t identity);

/// solve() in stages. Limits count over all of them; `seconds` and the trace are those of this call.
/// \throws as solve(), InputError, OutputError.
[[nodiscard]] SolveResult solve(const Mdp& mdp, const SolveOptions& options, const CheckpointOptions& checkpoint);

/// "" or why a run by this criterion and method cannot be cut into stages.
[[nodiscard]] std::string why_no_stages(Method method, Criterion criterion);

/// solve_criterion() in stages: each is a solve of its own from what the one before ended with (CriterionResult::iterate as
/// SolveOptions::start; `finite` has the stages of its horizon that are done), so that a run that is taken up gives the bits of one that was
/// not stopped. Stages that bring neither
/// another iterate nor closer bounds end the run after a while: Status::precision_limit. Refused as why_no_stages() says.
/// \throws as solve_criterion(), InputError, OutputError.
[[nodiscard]] CriterionResult solve_criterion(const Mdp& mdp, Criterion criterion, const CriterionOptions& options,
                                              const CheckpointOptions& checkpoint);

}  // namespace mdp::solvers
