// solvers/exact/refine_until_exit.hpp — least cost until exit to many digits, where rationals are out of reach (internal; GMP).
#pragma once

#include <optional>
#include <vector>

#include "solvers/exact/until_exit.hpp"

namespace mdp::solvers {

/// Dyadic values near V* and a proved bound.
struct RefinedExit {
  ExactEnd end = ExactEnd::stopped;  ///< too_large: no proof of so many digits was found
  std::vector<mpq_class> value;      ///< [n_states] of 0 where not solved
  mpq_class error;                   ///< |value - V*| <= error at every state
};

/// V* of an exit problem with an error of at most 10^-n_digits times the largest |V*|. From a policy mu that exits surely: the residual
/// r = c + P_mu v - v in rationals, its correction (I - P_mu)^-1 r by a sparse LU in doubles, and again; a row that is better by
/// more than the rest of the error is taken. Then, with w an expected time until exit (in doubles, taken as the dyadic
/// numbers they are), all in rationals:
///
///     gap <= e (w - P w) on the rows of mu  gives  V^mu <= v + e w;   gap + e (w - P w) >= 0 on every row  gives  v - e w <= V*
///
/// (add up along mu, and along any policy that exits surely: as in goal_enclosure.hpp). w is that of mu or, where tied rows take
/// longer, of those that take longest. O(n_transitions) rational operations for every 10 digits or so, and the LU.
/// \param start  [n_states] rows of a policy that exits with probability 1
[[nodiscard]] RefinedExit refine_until_exit(const ExitProblem& problem, std::vector<Offset> start, int n_digits,
                                            const ExactRun& run);

}  // namespace mdp::solvers
