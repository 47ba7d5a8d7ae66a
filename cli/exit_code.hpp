// cli/exit_code.hpp — what the shell sees.
#pragma once

namespace mdp::cli {

/// The exit codes of the program; scripts rely on them (docs/program.md).
enum ExitCode : int {
  exit_done = 0,       ///< done and, where asked, holds
  exit_not_met = 1,    ///< finished, but not converged or does not hold
  exit_usage = 2,      ///< the command line is wrong
  exit_bad_input = 3,  ///< a file cannot be read or written, or breaks a rule
  exit_internal = 70   ///< a defect of the program itself (EX_SOFTWARE)
};

}  // namespace mdp::cli
