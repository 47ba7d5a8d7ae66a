// estimators/methods/full_score.hpp — the likelihood ratio of the whole trajectory (E1).
#pragma once

#include <cstddef>

#include "estimators/step.hpp"

namespace mdp::estimators {

/// dG + G d log phi. The record is 1, G, Z = sum of scores, Y = G Z + dG.
struct FullScore {
  static constexpr std::size_t size = 4;

  static void score(double sigma, double* x) {
    x[3] += sigma * x[1];
    x[2] += sigma * x[0];
  }
  static void step(const Step& at, double* x) {
    score(at.i.transition, x);
    x[1] *= at.discount;
    x[3] *= at.discount;
    x[3] += at.cost * x[2] + at.i.cost * x[0];
    x[1] += at.cost * x[0];
    score(at.i.policy, x);
  }
};

}  // namespace mdp::estimators
