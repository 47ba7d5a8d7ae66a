// solvers/centre.hpp — values up to a constant (internal).
#pragma once

#include <span>

#include "libmdp/mdp.hpp"

namespace mdp::solvers {

/// Subtracts the middle of the range of the finite values and returns a bound on max |v| then. The rows of the MDP
/// meant sum to 1, so V and V + m prove the same by C1, and rounding is less with the smaller numbers.
double centre(const Mdp& mdp, std::span<double> v, int threads);

struct Centred {
  double size = 0.0;        ///< bound on max |v| afterwards
  double subtracted = 0.0;  ///< from each finite value
};
/// The same, with what it subtracted.
Centred centre_values(const Mdp& mdp, std::span<double> v, int threads);

}  // namespace mdp::solvers
