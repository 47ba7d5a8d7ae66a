// solvers/average.hpp — cost per stage in the long run: gain and bias, unichain or multichain.
#pragma once

#include <span>

#include "solvers/criterion.hpp"

namespace mdp::solvers {

/// g*(s) = least long-run average cost from s (Puterman 1994, chapter 9), periodic chains included; the discount is not read.
///
/// In each maximal end component the gain is one number: least_gain(), or iterate_gain() where elimination
/// would be dear, encloses it by the gaps of relative values (C5). For the
/// choice among components they are collapsed, staying in one for ever costs its gain and nothing else does, and
/// solve_absorbing() encloses the least expected gain. +inf where no policy avoids inadmissible rows.
///
/// `policy` attains the gains within the bounds; `bias` is its own: h + g = c + P h and P* h = 0, so that its weighted
/// mean over each recurrent class is 0, and is enclosed (bias_of()). It is not optimised. NaN where the gain is +inf.
/// \throws InvalidOption.
/// \param given  [n_states] relative values h to be enclosed as they are, finite, instead of solving; empty = solve
[[nodiscard]] CriterionResult solve_average(const Mdp& mdp, const CriterionOptions& options = {},
                                            std::span<const double> given = {});

}  // namespace mdp::solvers
