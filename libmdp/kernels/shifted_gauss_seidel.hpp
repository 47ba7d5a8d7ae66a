// libmdp/kernels/shifted_gauss_seidel.hpp — Bellman sweeps that use new values at once.
#pragma once

#include <span>

#include "libmdp/kernels/bellman.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::kernels {

/// For the states of `order`, one after the other:  v(s) <- min_a q(s,a), q as with the newest v, the loop at s solved for:
///     q(row) = (c - shift + gamma sum_{s' != s} p v(s')) / (1 - gamma p(s)).
/// `shift` turns a fixed point up to constants into one: with V = v + k, T V = V means T v - v = (1 - gamma) k.
/// Returns the range of the changes of v. In order, one thread: the same bits always. States of value +inf are left.
/// \param policy  [n_states] or empty; written: the minimiser, the one it holds kept among equals
/// \param skip    [n_rows] or empty: rows with skip[row] != 0 are not looked at
/// Traffic: as bellman_sweep(), in the order of the states.
ResidualRange shifted_gauss_seidel_sweep(const Mdp& mdp, double shift, std::span<const State> order,
                                         std::span<double> v, std::span<Action> policy = {},
                                         std::span<const char> skip = {});

}  // namespace mdp::kernels
