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
/// +inf at actions that lose gain (theory.md, section 0), V = h. finite: V is V*_{k+1} of the stage k that is asked for.
struct WorldTarget {
  solvers::Criterion criterion = solvers::Criterion::discounted;
  Status status = Status::not_run;  ///< of the world's solve; refused: Q* is not finite or +inf everywhere, see message
  std::string message;
  Mdp step;
  std::vector<double> values, lower,
      upper;                 ///< [n_states] V; the enclosure is empty at level approximate (always for average)
  std::int64_t stages = -1;  ///< finite: stages from k to the end, N - k

  /// Of V for `step`. KnownValues is a view: this must outlive it.
  [[nodiscard]] KnownValues known() const { return {values, lower, upper}; }
};

/// Solves the world. \param stage  finite: k in [0, horizon); read there only
/// Bias: policy iteration on the gain-preserving actions until h + g = min (L + P h) holds to 1e-9 of the size of h.
/// \throws InvalidOption (a stage out of range; reach, which has no Q* to reproduce); and as solve_criterion().
[[nodiscard]] WorldTarget world_target(const Mdp& world, solvers::Criterion criterion,
                                       const solvers::CriterionOptions& options = {}, std::int64_t stage = 0);

}  // namespace mdp::equivalence
