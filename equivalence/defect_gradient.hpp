// equivalence/defect_gradient.hpp — how T9's defect moves with the model's entries.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "equivalence/known_values.hpp"
#include "equivalence/model_defect.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/status.hpp"
#include "solvers/derivative.hpp"

namespace mdp::equivalence {

/// Gradient by the model's entries of sum weight Delta, Delta = L^ + gamma^ P^ V* - Q* (T9), linear in each of them:
///     dDelta/dL^ = 1,  dDelta/dP^(s') = gamma^ V*(s'),  dDelta/dgamma^ = E_P^ V*.
/// \param weight  [n_rows]; 0 where Delta is not finite. \throws InvalidArgument. One pass over the transitions.
[[nodiscard]] solvers::EntryGradient defect_gradient(const KnownValues& world_values, const Mdp& model,
                                                     std::span<const double> weight, int threads = 0);

/// epsilon = max |Delta| and its gradient, where one pair alone attains it.
struct EpsilonGradient {
  Status status =
      Status::not_run;  ///< converged; refused: several pairs attain the maximum within the bounds, or epsilon is 0
  std::string message;
  double epsilon = not_computed;    ///< max |Delta| at the given values
  std::vector<Offset> rows;         ///< pairs that may attain it
  solvers::EntryGradient gradient;  ///< empty if refused
};
/// \throws InvalidArgument as model_defect()
[[nodiscard]] EpsilonGradient epsilon_gradient(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                                               int threads = 0);

/// (1/2n) sum Delta^2 over the n finite pairs: smooth, 0 exactly where T6 holds, and above epsilon^2/(2n).
struct MeanSquareDefect {
  double value = not_computed;
  solvers::EntryGradient gradient;
};
[[nodiscard]] MeanSquareDefect mean_square_defect(const Mdp& world, const KnownValues& world_values, const Mdp& model,
                                                  int threads = 0);

}  // namespace mdp::equivalence
