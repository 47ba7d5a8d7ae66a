// libmdp/kernels/soft.hpp — the entropy-regularised Bellman operator (theory.md, D4).
#pragma once

#include <span>

#include "libmdp/kernels/bellman.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::kernels {

/// What a soft sweep writes besides tv; empty spans are not written.
struct SoftOutput {
  std::span<double> q = {};           ///< [n_rows] c + gamma p v; needed: also the sweep's working space
  std::span<double> policy = {};      ///< [n_rows] pi(a|s) = mu exp(-(q - tv)/beta); uniform where tv is infinite
  std::span<double> log_policy = {};  ///< [n_rows] -(q - beta log mu - tv)/beta, -inf where the policy is 0 by right
};

/// (T v)(s) = -beta log sum_a mu(a|s) exp(-q(s,a)/beta), and the range of tv - v, in one pass.
///
/// With x = q - beta log mu and m = min_a x, it is m - beta log sum_a exp(-(x - m)/beta): every term is in [0, 1],
/// one of them is 1, so nothing overflows and the logarithm's argument is in [1, number of actions].
/// \param v              [n_states]; may hold +inf, never NaN or -inf
/// \param log_reference  [n_rows] log mu (-inf = the row is never taken) or empty = 0 (counting measure)
/// \param tv             [n_states], written; must not overlap v
/// Traffic per sweep: that of bellman_sweep, and 16 B per row for q (24, 32 with policy, log_policy).
ResidualRange soft_sweep(const Mdp& mdp, std::span<const double> v, double beta, std::span<const double> log_reference,
                         std::span<double> tv, const SoftOutput& output, int threads = 0);

}  // namespace mdp::kernels
