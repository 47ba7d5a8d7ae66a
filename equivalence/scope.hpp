// equivalence/scope.hpp — where an equivalence holds, and what stands against it.
#pragma once

#include <string_view>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::equivalence {

/// How far "the model has the world's Q*" goes.
enum class Scope {
  all_pairs,       ///< Q^* = Q* at every pair (T1, T6)
  optimal_pairs,   ///< V^* = V* and the optimal actions agree; some pairs that are not optimal had to be excluded
  finite_horizon,  ///< Q^*_k = Q* in every stage of an N-stage model with terminal cost V* (T2), no promise for
                   ///< the undiscounted sum (T2', T3)
  none             ///< conditions fail: no equivalent cost, or no equivalent model on this support
};

[[nodiscard]] std::string_view to_string(Scope scope) noexcept;

/// A state and the action taken there.
struct Step {
  State state = 0;
  Action action = 0;
};

/// TC(a) fails at a pair: Q* is finite there, and the model's row puts mass on a state with V* = inf.
struct Violation {
  Offset row = 0;              ///< the pair
  State next = 0;              ///< lowest successor with V*(next) = inf
  double probability = 0.0;    ///< of all successors with V* = inf together
  bool maybe_optimal = false;  ///< the enclosure of V* does not rule out that the pair is optimal in the world
  /// How the model gets there by pairs with Q* < inf: from an initial state (or, if `reachable` is false, from the
  /// pair itself) to the pair, which is the last step.
  std::vector<Step> path;
  bool reachable = false;
};

}  // namespace mdp::equivalence
