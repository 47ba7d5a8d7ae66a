// estimators/methods/causal.hpp — every score with the return that follows it, with and without baselines (E1).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "estimators/problem.hpp"
#include "estimators/step.hpp"

namespace mdp::estimators {

/// Gamma_t = dL_t + sigma^pi_t (G_t - b(s_t)) + gamma (sigma^rho_{t+1} G_{t+1} + Gamma_{t+1}). The record is 1, G, Gamma.
struct Causal {
  static constexpr std::size_t size = 3;

  static void step(const Step& at, double* x) {
    x[2] += at.i.transition * x[1];
    x[1] *= at.discount;
    x[2] *= at.discount;
    x[1] += at.cost * x[0];
    x[2] += at.i.cost * x[0];
    x[2] += at.i.policy * (x[1] - at.baseline * x[0]);
  }
};

/// The same with the exact values for baselines: V_t(s_t) with sigma^pi_t, E[V_{t+1} | s_t, a_t] with sigma^rho_{t+1}
/// (b(s_{t+1}) there would bias the derivative by the model).
struct CausalStateBaseline {
  static constexpr std::size_t size = 3;

  static void step(const Step& at, double* x) {
    x[2] += at.i.transition * (x[1] - at.next_mean * x[0]);
    x[1] *= at.discount;
    x[2] *= at.discount;
    x[1] += at.cost * x[0];
    x[2] += at.i.cost * x[0];
    x[2] += at.i.policy * (x[1] - at.value * x[0]);
  }
};

/// One constant b for all steps. The last entry but one is Psi, what b multiplies: the estimate is Gamma - b Psi.
struct ConstantBaseline {
  static constexpr std::size_t size = 4;  // 1, G, Psi, Gamma - b Psi

  static void step(const Step& at, double* x) {
    x[3] += at.i.transition * (x[1] - at.constant * x[0]);
    x[2] += at.i.transition * x[0];
    x[1] *= at.discount;
    x[2] *= at.discount;
    x[3] *= at.discount;
    x[1] += at.cost * x[0];
    x[3] += at.i.cost * x[0];
    x[3] += at.i.policy * (x[1] - at.constant * x[0]);
    x[2] += at.i.policy * x[0];
  }
};

/// b = J_N, the expected return.
struct CausalConstantBaseline : ConstantBaseline {
  static std::vector<double> constants(const Problem& problem, std::span<const Parameter> parameters);
};

/// The b that makes the variance of its parameter's estimate least, Cov(Gamma, Psi) / Var Psi, from X2.
struct CausalOptimalBaseline : ConstantBaseline {
  static std::vector<double> constants(const Problem& problem, std::span<const Parameter> parameters);
};

}  // namespace mdp::estimators
