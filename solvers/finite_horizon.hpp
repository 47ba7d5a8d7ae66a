// solvers/finite_horizon.hpp — N stages and a terminal cost: backward induction.
#pragma once

#include "solvers/criterion.hpp"

namespace mdp::solvers {

/// V_N = terminal,  V_k(s) = min_a L(s,a) + gamma sum_s' P(s'|s,a) V_{k+1}(s'),  k = N-1 .. 0, gamma in [0, 1]
/// (theory.md, section 0; Puterman 1994, section 4.5). The policy depends on the stage.
///
/// Stages are computed in twice the precision, so that ties are seen: the lowest position among actions that it cannot
/// tell apart is taken. Errors add up over the stages; E_k bounds |computed V_k - V_k|:
///     E_N = 0,  E_k = gamma E_{k+1} + kernels::row_gap_error(max |V_{k+1}|)
/// since T is monotone and T(V + E) = TV + gamma E. At level approximate the same is computed, without the bounds.
///
/// \throws InvalidOption horizon < 0 or missing; InvalidArgument terminal of wrong length, NaN or -inf in it.
/// Cost: `horizon` sweeps in twice the precision; memory 12 B per state and stage.
[[nodiscard]] CriterionResult solve_finite_horizon(const Mdp& mdp, const CriterionOptions& options);

}  // namespace mdp::solvers
