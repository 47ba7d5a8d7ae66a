// solvers/finite_horizon.hpp — N stages and a terminal cost: backward induction.
#pragma once

#include "solvers/checkpoint.hpp"
#include "solvers/criterion.hpp"

namespace mdp::solvers {

/// V_N = terminal,  V_k(s) = min_a L(s,a) + gamma sum_s' P(s'|s,a) V_{k+1}(s'),  k = N-1 .. 0, gamma in [0, 1]
/// (theory.md, section 0; Puterman 1994, section 4.5). The policy depends on the stage.
///
/// Stages are computed in twice the precision, so that ties are seen: the lowest position among actions that it cannot
/// tell apart is taken. Errors add up over the stages; E_k bounds |computed V_k - V_k|:
///     E_N = 0,  E_k = gamma E_{k+1} + kernels::row_gap_error(max |V_{k+1}|)
/// since T is monotone and T(V + E) = TV + gamma E. Where that is too wide for some state, which pays for the largest value of
/// all, the stages are done again with an error for each state (kernels::precise_sweep()), a few times as long. At level approximate the
/// first is computed, without the bounds.
///
/// Checkpoints hold the stages that are done: they grow with them. sweeps_per_stage is the number of stages between two.
///
/// \throws InputError, OutputError of the checkpoint; InvalidOption horizon < 0 or missing; InvalidArgument terminal of wrong length, NaN or -inf in it.
/// Cost: `horizon` sweeps in twice the precision, or two times that; memory 12 B per state and stage.
[[nodiscard]] CriterionResult solve_finite_horizon(const Mdp& mdp, const CriterionOptions& options,
                                                   const CheckpointOptions& checkpoint = {});

}  // namespace mdp::solvers
