// cli/study/gradient_check.hpp — the in-real gradient (D8) against finite differences.
#pragma once

#include <cstdint>
#include <vector>

#include "libmdp/mdp.hpp"
#include "solvers/in_real_gradient.hpp"

namespace mdp::cli::study {

/// One entry of the model, its exact derivative and what a difference quotient gives. Cost sense.
struct CheckedEntry {
  bool is_cost = true;  ///< a row's cost, else the probability of a transition
  Offset row = 0;
  State next_state = -1;  ///< of a probability
  double exact = 0.0;
  double difference_quotient = 0.0;
};

struct GradientCheck {
  std::vector<CheckedEntry> entries;  ///< largest |derivative| first, costs before probabilities
  double discount_exact = 0.0;
  double discount_quotient = 0.0;
  double max_error = 0.0;           ///< largest |exact - quotient|
  double max_relative_error = 0.0;  ///< the same over the largest |exact| of its kind
};

/// Richardson's extrapolation of central differences of J(world, soft policy of the model), every evaluation solved to
/// rounding. Probabilities move in the convention `normalised`: the row is divided by its sum, so the gradient that is
/// checked must be in that convention.
/// \param n  entries of each kind. Cost: 4 soft solutions and evaluations per entry.
[[nodiscard]] GradientCheck check_gradient(const Mdp& world, const Mdp& model,
                                           const solvers::InRealGradient& normalised, const solvers::SoftOptions& soft,
                                           std::int64_t n);

}  // namespace mdp::cli::study
