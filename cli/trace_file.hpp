// cli/trace_file.hpp — how a solver converged, one JSON line per sweep.
#pragma once

#include <span>
#include <string>

#include "libmdp/types.hpp"
#include "solvers/result.hpp"

namespace mdp::cli {

/// Writes sweep, iteration, seconds, residual_min, residual_max (in the file's sense) and half_width per line.
/// \throws OutputError
void write_trace(const std::string& path, Objective objective, std::span<const solvers::SweepRecord> trace);

}  // namespace mdp::cli
