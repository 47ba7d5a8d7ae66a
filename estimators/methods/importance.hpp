// estimators/methods/importance.hpp — trajectories of another policy, reweighted (E1 off policy).
#pragma once

#include <cstddef>

#include "estimators/step.hpp"

namespace mdp::estimators {

/// W Gamma, W = prod pi/mu over the whole trajectory. The record is 1, W, W G, W Gamma (products from the step on).
struct Importance {
  static constexpr std::size_t size = 4;
  static constexpr bool off_policy = true;

  static void start(double* x) { x[1] = 1.0; }

  static void step(const Step& at, double* x) {
    x[3] += at.i.transition * x[2];
    x[2] *= at.discount;
    x[3] *= at.discount;
    x[2] += at.cost * x[1];
    x[3] += at.i.cost * x[1];
    x[3] += at.i.policy * x[2];
    for (std::size_t k = 1; k < size; ++k) x[k] *= at.ratio;
  }
};

/// Each cost has the ratios up to its own step only. The record is 1, G, Gamma, reweighted.
struct ImportancePerDecision {
  static constexpr std::size_t size = 3;
  static constexpr bool off_policy = true;

  static void step(const Step& at, double* x) {
    x[2] += at.i.transition * x[1];
    x[1] *= at.discount;
    x[2] *= at.discount;
    x[1] += at.cost * x[0];
    x[2] += at.i.cost * x[0];
    x[2] += at.i.policy * x[1];
    x[1] *= at.ratio;
    x[2] *= at.ratio;
  }
};

}  // namespace mdp::estimators
