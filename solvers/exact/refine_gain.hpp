// solvers/exact/refine_gain.hpp — the gain of an end component to many digits, where rationals are out of reach (internal; GMP).
#pragma once

#include <span>
#include <vector>

#include "libmdp/io/exact_model.hpp"
#include "libmdp/policy.hpp"
#include "solvers/exact/until_exit.hpp"

namespace mdp::solvers {

struct RefinedGain {
  ExactEnd end = ExactEnd::stopped;  ///< too_large: so many digits were not reached
  mpq_class lower, upper;            ///< of g*
};

/// g* of a communicating part of a model, upper - lower at most 10^-n_digits of the larger of them in size, or 10^-(n_digits + 30) of the largest
/// cost, which is what there is to prove beside a gain of 0. Relative values h are dyadic
/// numbers, their gaps d = c + P h - h exact, and C5 is the proof: min over all rows of d <= g* <= max over a policy's rows of d. The
/// correction of h for a policy is (I - beta P)^-1 (d - its middle) by a sparse LU in doubles, 1 - beta = 2^-30 (gain_iteration.hpp), and again;
/// rows whose gap is below that of the policy's by more than the policy's differ are taken. O(n_transitions) rational operations for
/// every 5 digits or so, and the LU.
/// \param states  ascending. \param inside  [n_rows] rows with all successors among the states, one of each state at least
/// \param start   [n_states of the model] actions, taken where they are inside. \param h  [n_states of the model] relative values, or empty
[[nodiscard]] RefinedGain refine_gain(const io::ExactModel& model, std::span<const State> states,
                                      std::span<const char> inside, const Policy& start, std::span<const double> h,
                                      int n_digits, const ExactRun& run);

}  // namespace mdp::solvers
