// estimators/methods/hessians.hpp — second derivatives (E2). Each takes the scores of two parameters i and j.
#pragma once

#include <cstddef>

#include "estimators/step.hpp"

namespace mdp::estimators {

/// What estimators with scores of the whole trajectory keep, first in their records: 1, G, the sums of scores Z_i and Z_j, G Z_i,
/// G Z_j, and the derivatives D_i = d_i G and D_j at fixed trajectory.
struct WholeScores {
  enum { one, g, zi, zj, gzi, gzj, di, dj, n_shared };

  static void score(double i, double j, double* x) {
    x[gzi] += i * x[g];
    x[gzj] += j * x[g];
    x[zi] += i * x[one];
    x[zj] += j * x[one];
  }
  static void add_cost(const Step& at, double* x) {
    for (const auto k : {g, gzi, gzj, di, dj}) x[k] *= at.discount;
    x[gzi] += at.cost * x[zi];
    x[gzj] += at.cost * x[zj];
    x[di] += at.i.cost * x[one];
    x[dj] += at.j.cost * x[one];
    x[g] += at.cost * x[one];
  }
};

/// G (d2 log phi + d log phi d log phi^T) + dG d log phi^T + d log phi dG^T + d2G.
/// The record: those of WholeScores, S = Z_i Z_j + sum d2 log, H.
struct FullHessian : WholeScores {
  static constexpr std::size_t size = 10;
  enum { s = n_shared, h };

  static void score(double i, double j, double ij, double* x) {
    x[h] += i * x[gzj] + j * x[gzi] + (i * j + ij) * x[g] + j * x[di] + i * x[dj];
    x[s] += i * x[zj] + j * x[zi] + (i * j + ij) * x[one];
    WholeScores::score(i, j, x);
  }
  static void step(const Step& at, double* x) {
    score(at.i.transition, at.j.transition, at.ij.transition, x);
    x[h] *= at.discount;
    x[h] += at.cost * x[s] + at.i.cost * x[zj] + at.j.cost * x[zi] + at.ij.cost * x[one];
    add_cost(at, x);
    score(at.i.policy, at.j.policy, at.ij.policy, x);
  }
};

/// sum gamma^k [L_k (c_k c_k^T + dc_k) + dL_k c_k^T + c_k dL_k^T + d2L_k], c_k = sum of the scores up to step k.
/// The record: 1, G, Gamma_i, Gamma_j, H.
struct CausalHessian {
  static constexpr std::size_t size = 5;
  enum { one, g, gamma_i, gamma_j, h };

  static void score(double i, double j, double ij, double* x) {
    x[h] += i * x[gamma_j] + j * x[gamma_i] + (i * j + ij) * x[g];
    x[gamma_i] += i * x[g];
    x[gamma_j] += j * x[g];
  }
  static void step(const Step& at, double* x) {
    score(at.i.transition, at.j.transition, at.ij.transition, x);
    for (const auto k : {g, gamma_i, gamma_j, h}) x[k] *= at.discount;
    x[h] += at.ij.cost * x[one];
    x[gamma_i] += at.i.cost * x[one];
    x[gamma_j] += at.j.cost * x[one];
    x[g] += at.cost * x[one];
    score(at.i.policy, at.j.policy, at.ij.policy, x);
  }
};

/// g d log phi^T + dg, symmetrised; g = the causal gradient Gamma of the trajectory, dg its derivative at fixed trajectory.
/// The record: those of WholeScores, Gamma_i, Gamma_j, H.
struct Hapg : WholeScores {
  static constexpr std::size_t size = 11;
  enum { gamma_i = n_shared, gamma_j, h };

  static void score(double i, double j, double ij, double* x) {
    x[h] +=
        0.5 * (j * x[gamma_i] + i * x[gamma_j] + i * x[gzj] + j * x[gzi] + i * x[dj] + j * x[di]) + (i * j + ij) * x[g];
    x[gamma_i] += i * x[g];
    x[gamma_j] += j * x[g];
    WholeScores::score(i, j, x);
  }
  static void step(const Step& at, double* x) {
    score(at.i.transition, at.j.transition, at.ij.transition, x);
    for (const auto k : {gamma_i, gamma_j, h}) x[k] *= at.discount;
    x[h] += 0.5 * (at.i.cost * x[zj] + at.j.cost * x[zi]) + at.ij.cost * x[one];
    x[gamma_i] += at.i.cost * x[one];
    x[gamma_j] += at.j.cost * x[one];
    add_cost(at, x);
    score(at.i.policy, at.j.policy, at.ij.policy, x);
  }
};

/// sum_k gamma^k [(sigma sigma^T + d2 log pi)(s_k, a_k) G_k + d2L_k], logits of the policy only: H_1 + H_2, without the cross
/// terms H_12 + H_12^T, H_12 = sum_k gamma^k E[sigma_k (dQ_k)^T]. The record: 1, G, H.
struct Lvc {
  static constexpr std::size_t size = 3;

  static void step(const Step& at, double* x) {
    x[1] *= at.discount;
    x[2] *= at.discount;
    x[1] += at.cost * x[0];
    x[2] += at.ij.cost * x[0] + (at.i.policy * at.j.policy + at.ij.policy) * x[1];
  }
};

/// Furmston's Gauss-Newton parts with the exact advantage in place of the return: the mean of Lvc, less variance. (The
/// weights sum to 0 over the actions of a state, so V_t(s) may be taken off.) The record: 1, H.
struct GaussNewton {
  static constexpr std::size_t size = 2;

  static void step(const Step& at, double* x) {
    x[1] *= at.discount;
    x[1] += (at.ij.cost + (at.i.policy * at.j.policy + at.ij.policy) * (at.q - at.value)) * x[0];
  }
};

}  // namespace mdp::estimators
