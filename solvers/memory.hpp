// solvers/memory.hpp — how much memory factors may take (internal).
#pragma once

#include "solvers/options.hpp"

namespace mdp::solvers {

/// SolveOptions::memory_limit in bytes, its default resolved: half of what the system says is available (MemAvailable of
/// /proc/meminfo; infinity where that cannot be read).
[[nodiscard]] double memory_limit_of(const SolveOptions& options);

}  // namespace mdp::solvers
