// libmdp/generate/planted.hpp — random sparse MDPs whose solution is known before they are built.
#pragma once

#include <string>
#include <vector>

#include "libmdp/generate/random_rows.hpp"
#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"

namespace mdp::generate {

struct PlantedOptions {
  RandomShape shape = {};
  /// [0, 1). A multiple of 2^-20, as the default, makes the truth exact.
  Discount discount = 0.96875;  // 1 - 2^-5
  std::uint64_t seed = 1;
  int threads = 0;  ///< 0 = all; the MDP does not depend on it

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// An MDP with its solution. Every optimal action is unique, ahead of the others by at least 2^-8.
struct Planted {
  Mdp mdp;
  std::vector<double> values;  ///< [n_states] V*, in [0, 16)
  std::vector<double> q;       ///< [n_rows] Q*, in [0, 18)
  Policy policy;               ///< [n_states] the optimal action
  /// >= max |values - V*| and >= max |q - Q*| for the MDP as stored; 0: the arrays above are exact.
  double value_error_bound = 0.0;
};

/// Chooses values W, advantages A and sparse rows P, and takes the cost that makes them the solution:
///     L = A + W - gamma P W,   then  Q* = W + A,  V* = W  (theory.md, "A planted generator"; T1).
/// W and A are multiples of 2^-8, probabilities of 2^-20: P W is exact, and so is L if gamma is a multiple of
/// 2^-20. Else L is rounded to double, and T9 bounds what that moves.
///
/// Rows and states depend on (seed, position) and the shape only. Cost O(n_transitions log successors), parallel.
/// \throws InvalidOption.
[[nodiscard]] Planted planted(const PlantedOptions& options = {});

}  // namespace mdp::generate
