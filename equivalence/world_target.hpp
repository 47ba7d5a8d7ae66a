// equivalence/world_target.hpp — Q* of a world in its own criterion, as one Bellman step (T3).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "equivalence/known_values.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/status.hpp"
#include "solvers/criterion.hpp"

namespace mdp::equivalence {

/// The pair (Q*, V*) that a model is to reproduce:  Q* = L' + gamma' P V,  V* = min_a Q*, with L' and gamma' those of `step`.
/// discounted, goal, total: step is the world (discount 1 for the last two), V its optimal values. average: costs L - g*, discount 1,
/// +inf at actions that are proved to lose gain (theory.md, section 0), V = h. finite: V is V*_{k+1} of the stage k that is asked for.
struct WorldTarget {
  solvers::Criterion criterion = solvers::Criterion::discounted;
  Status status = Status::not_run;  ///< of the world's solve; refused: Q* is not finite or +inf everywhere, see message
  std::string message = {};
  Mdp step;
  std::vector<double>
      values = {},
      lower = {},
      upper = {};  ///< [n_states] V; the enclosure is empty at level approximate, and where no bias is enclosed
  /// average: proved, h - min over actions of (L - g + P h) <= this, g and h the gain and bias of `policy`. The optimality equation has many
  /// solutions h: (g, h) of this policy is the one that is meant, and with it Q* = L - g + P h, V* = min_a Q*. It solves the
  /// equation exactly where the other actions are proved worse; ties are known up to this number.
  double optimality_residual = 0.0;
  Policy policy = {};        ///< average: that policy
  std::int64_t stages = -1;  ///< finite: stages from k to the end, N - k

  /// Of V for `step`. KnownValues is a view: this must outlive it.
  [[nodiscard]] KnownValues known() const { return {values, lower, upper}; }
};

/// Solves the world. \param stage  finite: k in [0, horizon); read there only
/// average: the solver's policy, improved on the actions that are not proved to lose gain until none is proved better.
/// \throws InvalidOption (a stage out of range; reach, which has no Q* to reproduce); and as solve_criterion().
[[nodiscard]] WorldTarget world_target(const Mdp& world, solvers::Criterion criterion,
                                       const solvers::CriterionOptions& options = {}, std::int64_t stage = 0);

}  // namespace mdp::equivalence
