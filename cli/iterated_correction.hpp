// cli/iterated_correction.hpp — equivalent-cost and equivalent-model while Q* is not known: correct with the current V, solve again.
#pragma once

#include <cstdint>
#include <string>

#include "cli/program.hpp"
#include "cli/world_and_model.hpp"
#include "equivalence/correction.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::cli {

/// --iterate N: the world is solved only to say what each step has left of the error.
/// \returns the exit code. \throws UsageError, InputError
int run_iterated_correction(const PairFlags& pair, const CommonFlags& common, const Mdp& world, const Mdp& model,
                            equivalence::Correction correction, std::int64_t n_iterations, const std::string& output);

}  // namespace mdp::cli
