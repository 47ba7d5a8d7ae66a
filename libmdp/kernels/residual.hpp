// libmdp/kernels/residual.hpp — the Bellman residual in twice the precision.
#pragma once

#include <span>

#include "libmdp/kernels/bellman.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/two_double.hpp"

namespace mdp::kernels {

/// gap[row] = q(row) - V(s) of the MDP meant, q in twice the precision by PreciseRow, rounded to double. +inf where the
/// cost is, or a successor has V = +inf. States with V = +inf: gaps are +inf.
///
/// \param v    [n_states] |lo| <= ulp(hi)/2; +inf allowed
/// \param gap  [n_rows], written; q - V is gap * (1 + e) + e', |e| <= u, |e'| <= row_gap_error()
/// \return the range of min_a gap over the states where it is finite
/// Traffic: 12 B (20 with tails) per transition, 24 B per row, 16 B per state, plus gathers of 16 B.
ResidualRange row_gaps(const Mdp& mdp, std::span<const TwoDouble> v, std::span<double> gap, int threads = 0);

/// tv = T v in twice the precision, and a greedy policy: in each state the lowest position with q <= min q + slack.
/// |tv - Tv of the MDP meant| <= row_gap_error(). +inf as in row_gaps(), whatever v of the state itself.
/// \param v, tv  [n_states], no overlap. \param policy  [n_states], written. \param slack  >= 0
void precise_sweep(const Mdp& mdp, std::span<const TwoDouble> v, std::span<TwoDouble> tv, double slack,
                   std::span<Action> policy, int threads = 0);

/// What is known of V, state by state, and of entries beyond what they are stored to.
struct KnownValues {
  std::span<const TwoDouble> v;    ///< [n_states] as in row_gaps()
  std::span<const double> error;   ///< [n_states] |v - V| <= error, +inf = V is not known at all
  double probability_error = 0.0;  ///< of every p, relative
  double cost_error = 0.0;         ///< of every cost, absolute
};

/// precise_sweep() with a bound of its own for each state: |tv - TV| <= tv_error, for any V within its errors. A state pays for the
/// rounding of what its rows may lead to, weighted by their probabilities, and an action that is certainly worse than the best
/// costs nothing. Greedy: the lowest position that is as good as the best but for its error: q <= TV + 5 tv_error.
/// \param tv, tv_error  [n_states] written, no overlap; tv_error is +inf where the sums leave the range of doubles
/// Proof: with e_a = gamma sum p error + (24 n + 64) u^2 (|c| + gamma sum p |v|) + errors of the entries + underflow, as for
/// row_gap_error() with sums of p |v| in place of max |V|, q_a is within e_a; so TV lies in [min (q_a - e_a), min (q_a + e_a)].
/// The row taken has q_a + e_a <= tv + 4 min (q + e - tv).
void precise_sweep(const Mdp& mdp, const KnownValues& known, std::span<TwoDouble> tv, std::span<double> tv_error,
                   std::span<Action> policy, int threads = 0);

/// Bound on the error e' of row_gaps() and on that of precise_sweep().
/// \param values_max_abs      largest finite |V|
/// Proof, with n transitions in the row, M >= |V|, C >= |c|, u^2-errors of TwoDouble operations as in two_double.hpp:
/// n products 4 u^2 M and n - 1 sums 3 u^2 M; S has 3 n u^2, which N (S-1)/S passes on, and the correction itself, at
/// most 2 n u M, is computed to 6 u: 12 n u^2 M; gamma 5 u^2 M; the sums with c and V 6 u^2 (C + 2 M); entries with tails
/// are within (3 n + 16) u^2 of the meant ones (normalised in twice the precision). Together below
/// (24 n + 64) u^2 (C + M). Products lose exactness below 2^-1022: 2^-1074 each, at most 8 n + 32 of them.
[[nodiscard]] double row_gap_error(const Mdp& mdp, double values_max_abs);

}  // namespace mdp::kernels
