// equivalence/exact_cost.hpp — the equivalent cost in rationals (T1) (internal; needs GMP, is not installed).
#pragma once

#include <string>

#include "libmdp/io/exact_model.hpp"
#include "libmdp/status.hpp"
#include "solvers/options.hpp"

namespace mdp::equivalence {

struct ExactCost {
  Status status = Status::
      not_run;  ///< converged: Q^* = Q* exactly; refused: TC(a) fails; else as the exact solve of the world ended
  std::string message;
  io::ExactModel model;  ///< the model with cost L^; goals that are not free any more are goals no longer
};

/// T1 without rounding:  L^ = Q* - gamma^ P^ V*, inadmissible where Q* = inf.
/// \param world, model  of the same shape, both discounts below 1
[[nodiscard]] ExactCost exact_equivalent_cost(const io::ExactModel& world, const io::ExactModel& model,
                                              const solvers::SolveOptions& options);

}  // namespace mdp::equivalence
