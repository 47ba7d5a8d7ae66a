// solvers/gaps.hpp — row gaps q - V in twice the precision, what they prove and what is left to solve (internal).
#pragma once

#include <span>

#include "libmdp/bounds.hpp"
#include "libmdp/buffer.hpp"
#include "libmdp/graph/reachability.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/two_double.hpp"
#include "solvers/enclosure.hpp"

namespace mdp::solvers {

/// q - V of every row, with proved bounds on the residual and on V* - V.
struct Gaps {
  Buffer<double> gap;          ///< [n_rows] as kernels::row_gaps()
  double error = infinity;     ///< bound on the error of a gap beyond its own rounding
  bounds::Interval residual;   ///< encloses TV - V
  bounds::Interval increment;  ///< encloses V* - V
};

/// \param v  [n_states], +inf exactly where finite[s] == 0
[[nodiscard]] Gaps row_gaps(const Mdp& mdp, std::span<const char> finite, std::span<const TwoDouble> v, int threads,
                            const EntryUncertainty& uncertainty);

/// Bounds on V*, greedy policy and its loss.
[[nodiscard]] Enclosure enclose(const Mdp& mdp, std::span<const char> finite, std::span<const TwoDouble> v,
                                const Gaps& gaps, int threads);

/// The MDP with cost gap[row], whose optimal values are V* - V exactly but for the errors of the gaps. Rows that C4
/// proves not optimal are inadmissible there, so that the costs left are as small as the residual.
/// Proof of C4: Q*(s,a) >= q + gamma increment.lower and V*(s) <= min q + gamma increment.upper.
[[nodiscard]] Mdp correction_problem(const Mdp& mdp, const Gaps& gaps);

/// Middle of [lower, upper]; its largest distance to an end, rounded up.
struct Middle {
  double value;
  double half_width;
};
[[nodiscard]] Middle middle(double lower, double upper);

/// x rounded to a double on one side; x is within 8u^2 |x| of what it stands for.
[[nodiscard]] double round_down(TwoDouble x);
[[nodiscard]] double round_up(TwoDouble x);

}  // namespace mdp::solvers
