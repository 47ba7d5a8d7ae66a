// equivalence/exact_rows.hpp — an equivalent model in rationals (T6, T7) (internal; needs GMP, is not installed).
#pragma once

#include <string>

#include <gmpxx.h>

#include "libmdp/io/exact_model.hpp"
#include "libmdp/status.hpp"
#include "libmdp/types.hpp"
#include "solvers/options.hpp"

namespace mdp::equivalence {

struct ExactRows {
  /// converged: Q^* = Q* + c exactly; refused: a row cannot meet its equation on its support, the message names the pair; else as the
  /// exact solve of the world ended.
  Status status = Status::not_run;
  std::string message;
  io::ExactModel model;      ///< the world with rows rho^ and discount gamma^
  mpq_class largest_change;  ///< of an entry of `near`
};

/// Moves the rows of a model that meets the moment equations to rounding onto them:  p + m (e_i - e_j), with i and j the successors of
/// largest and least V* (the likeliest of equals) and m = (tau - E_p[V*])/(V_i - V_j),  tau = (gamma E_rho[V*] + c (1 - gamma^))/gamma^.
/// p is divided by its sum first; a row that is the world's but for rounding becomes the world's where that solves it. Supports stay, unless an entry ends at 0 exactly.
///
/// \param near  of the world's shape, e.g. that of equivalent_model() in the numbers that it has; its costs are not read
/// \param max_characters  of the result as text: refused if V* has so many digits that more are predicted
/// \param shift  c, 0 for gamma^ = 1. gamma^ = 0: gamma E_rho[V*] + c = 0 is asked of every row, which stays
[[nodiscard]] ExactRows exact_equivalent_model(const io::ExactModel& world, const io::ExactModel& near,
                                               const mpq_class& discount, const mpq_class& shift,
                                               const solvers::SolveOptions& options, double max_characters = infinity);

}  // namespace mdp::equivalence
