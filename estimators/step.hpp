// estimators/step.hpp — all that an estimator sees of one step of a trajectory (theory.md, section 5).
#pragma once

#include "estimators/parameters.hpp"

namespace mdp::estimators {

/// Step t: (s, a) = (s_t, a_t), then s' = s_{t+1}. An estimator is a backward recursion over steps that is linear in its
/// record x_{t+1}, starting from x_N = (1, 0, …, 0); the first entry stays 1, the last one is the estimate.
struct Step {
  double discount = 1.0;    ///< gamma
  double cost = 0.0;        ///< L(s,a), with beta log pi(a|s) for an entropy weight beta
  double ratio = 1.0;       ///< pi(a|s) / mu(a|s), mu the policy that drew the action
  double value = 0.0;       ///< critic: V_t(s)
  double q = 0.0;           ///< critic: Q_t(s,a)
  double next_value = 0.0;  ///< critic: V_{t+1}(s')
  double next_mean = 0.0;   ///< critic: E[V_{t+1} | s, a]
  double d_q = 0.0;         ///< differentiated critic: dQ_t(s,a) by the second parameter
  double d_value = 0.0;     ///< differentiated critic: dV_t(s)
  double baseline = 0.0;    ///< b(s), given by the user
  double constant = 0.0;    ///< one number per parameter
  Scores i;                 ///< derivatives by the parameter, or the first one of two
  Scores j;                 ///< by the second one
  Scores ij;                ///< second derivatives
};

}  // namespace mdp::estimators
